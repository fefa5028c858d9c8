import { writeFileSync } from 'node:fs';

/** One durable operation of a process under `faulty-io.ts`, of all since it took its plan. */
export type FaultPoint =
  /** The n-th of all, from 1. */
  | { readonly nth: number }
  /** The k-th of those with this name, from 1. */
  | { readonly name: string; readonly occurrence: number };

/** How a named operation fails: the error of a full or of a broken disk (errno(3)). */
export type FaultCode = 'ENOSPC' | 'EIO';

/** What `faulty-io.ts` does to the process that it is loaded into. */
export interface FaultPlan {
  /** Absolute path of the data directory; operations elsewhere are left alone and not counted. */
  readonly root: string;
  /** Told back with {@link planTaken}, so that one plan is not taken for another. */
  readonly serial?: number;
  /** File that takes the name of each operation, one a line, in the order of their ends. */
  readonly log?: string;
  /** The process kills itself with SIGKILL there. */
  readonly kill?: { readonly when: 'before' | 'after'; readonly at: FaultPoint };
  /** The operation is not done and fails; so do, if it is said, all later ones or those of its name. */
  readonly fail?: {
    readonly code: FaultCode;
    readonly at: FaultPoint;
    readonly lasting?: 'all' | 'same-name';
  };
  /** Milliseconds that the wall clock is wrong by. */
  readonly clockShiftMs?: number;
  /** How many times faster than in truth monotonic time passes and timers go off; from the start on. */
  readonly timeScale?: number;
}

/** Environment variable with the path of the plan. */
export const planVariable = 'FAULTY_IO_PLAN';

/** Tells the process to read its plan anew and to count from zero; it writes {@link planTaken} and the serial then. */
export const planSignal = 'SIGUSR2';

/** What the process writes to standard output when it took a plan by signal. */
export const planTaken = 'faulty-io: took the plan';

/** Writes a plan where a process will find it. */
export function writePlan(path: string, plan: FaultPlan): void {
  writeFileSync(path, JSON.stringify(plan));
}
