/** Something wrong in a pipeline definition: where, what, and what to do about it. */
export interface PipelineProblem {
  /** The file's name as it was given to the parser. */
  readonly file: string;
  /** One-based. */
  readonly line: number;
  /** One-based, in UTF-16 code units, as editors count. */
  readonly column: number;
  /** A sentence without its period. */
  readonly message: string;
  /** What to do; a sentence with its period. */
  readonly hint: string;
}

/** A problem before its place in the text was turned into line and column. */
export interface Fault {
  /** Zero-based offset into the text. */
  readonly offset: number;
  readonly message: string;
  readonly hint: Hint;
}

/**
 * A hint, or how to find it. Looking for the name that was meant takes time, and of a file with
 * thousands of faults only the first ones are shown.
 */
export type Hint = string | (() => string);

/** Collects the faults of a definition. */
export interface FaultList {
  add(offset: number, message: string, hint: Hint): void;
  /** In the order they were found. */
  readonly faults: readonly Fault[];
}

/** An empty list of faults. */
export function createFaultList(): FaultList {
  const faults: Fault[] = [];
  return {
    faults,
    add(offset, message, hint) {
      faults.push({ offset, message, hint });
    },
  };
}

/** One line for people and editors: `file:line:column: message. hint`. */
export function formatProblem(problem: PipelineProblem): string {
  const { file, line, column, message, hint } = problem;
  return `${file}:${line}:${column}: ${message}. ${hint}`;
}
