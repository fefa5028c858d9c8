import { span, type Line, type Style, type Tone } from './text.ts';

/** One thing that `reelgraph doctor` looked at. */
export interface Check {
  /** What was looked at, in a word or two. */
  readonly title: string;
  /**
   * - `fine` as it should be
   * - `note` works, but the operator should know
   * - `broken` something that the service needs does not work
   */
  readonly verdict: 'fine' | 'note' | 'broken';
  /** What was found, and why it is so. */
  readonly finding: string;
  /** What to do; a command where one does it. */
  readonly remedy?: string;
}

const tones: Readonly<Record<Check['verdict'], Tone>> = {
  fine: 'good',
  note: 'warn',
  broken: 'bad',
};

const unicodeMarks: Readonly<Record<Check['verdict'], string>> = {
  fine: '✔',
  note: '!',
  broken: '✖',
};

const asciiMarks: Readonly<Record<Check['verdict'], string>> = {
  fine: '+',
  note: '!',
  broken: 'x',
};

/** The checks, one line each, remedies below, and a sentence that sums them up. */
export function renderChecks(checks: readonly Check[], style: Style): readonly Line[] {
  const marks = style.unicode ? unicodeMarks : asciiMarks;
  const titleColumns = Math.max(0, ...checks.map(({ title }) => title.length));
  const lines = checks.flatMap(({ title, verdict, finding, remedy }): Line[] => [
    [
      span(`${marks[verdict]} `, tones[verdict]),
      span(`${title.padEnd(titleColumns)}  `, 'strong'),
      span(finding),
    ],
    ...(remedy === undefined ? [] : [[span(`${' '.repeat(titleColumns + 4)}${remedy}`, 'dim')]]),
  ]);
  return [...lines, [], [span(summaryOf(checks))]];
}

/** Whether the service can work at all. */
export function isWorking(checks: readonly Check[]): boolean {
  return checks.every((check) => check.verdict !== 'broken');
}

function summaryOf(checks: readonly Check[]): string {
  const broken = checks.filter((check) => check.verdict === 'broken').length;
  const notes = checks.filter((check) => check.verdict === 'note').length;
  if (broken > 0) return `${broken} broken, ${notes} to know of.`;
  return notes === 0 ? 'All is well.' : `It works; ${notes} to know of.`;
}
