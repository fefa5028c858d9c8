import type { ChildProcess } from 'node:child_process';
import { constants, getPriority } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { ChildLimits } from './child-limits.ts';

/** Starts the programs that this service needs, each in a process group of its own. */
export interface ProcessStarter extends AsyncDisposable {
  readonly method: StartMethod;
  /** What keeps its programs to the files of their orders. */
  readonly sandbox: SandboxMethod;
  /**
   * Starts a program. The process writes to pipes; with a conversation it also reads from one, and has
   * one for its answers.
   *
   * @throws Error when it can be told at once that the program can't be started, as `spawn` words it.
   */
  start(order: StartOrder): StartedProcess;
  /** Ends what waits to be used; what was started goes on. Idempotent. */
  close(): Promise<void>;
}

/**
 * How programs are started.
 *
 * - `launcher`: by processes that wait for it; they end with the service, and have limits
 * - `util-linux`: through setpriv and prlimit, with the same effect, but slower
 * - `plain`: directly, with neither
 */
export type StartMethod = 'launcher' | 'util-linux' | 'plain';

/**
 * What keeps a program to its files and off the network.
 *
 * - `launcher`: Landlock and seccomp, which the launcher puts on itself before it becomes the program
 * - `none`: nothing
 */
export type SandboxMethod = 'launcher' | 'none';

/**
 * The files that a program may use besides those of the system ({@link systemAccess} in
 * `system-access.ts`), as absolute paths: a directory stands for all that is in it, one that is missing
 * gives nothing.
 */
export interface FileAccess {
  /** To be read. */
  readonly read: readonly string[];
  /** To be read and executed: the program, where it is none of the system's. */
  readonly execute: readonly string[];
  /** Directories in which it makes, changes and removes files, but no links, and none to be executed. */
  readonly change: readonly string[];
}

/** What to start. */
export interface StartOrder {
  /** The program, as a path or a name on the `PATH` of `env`, and its arguments. */
  readonly argv: readonly string[];
  /** The directory it works in, absolute. */
  readonly cwd: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly limits: ChildLimits;
  /**
   * All that it may reach, where its starter has a sandbox; absent for programs that see nothing of an
   * upload, which run outside.
   */
  readonly access?: FileAccess;
  /**
   * Whether its standard input is open and descriptor 3 takes its answers. Others read nothing
   * (`/dev/null`) and have no such descriptor.
   */
  readonly isConversing: boolean;
}

/** A process that is, or is about to become, the program. */
export interface StartedProcess {
  /** With pipes for its output; its owner listens to it from now on. */
  readonly process: ChildProcess;
  /** Why it never became the program; known once it has closed, and asked no sooner. */
  readonly startError: () => Error | undefined;
}

/**
 * How much nicer than the service a child is (setpriority(2)): it gets all
 * that is idle, and gives way to the service, which has to answer and to hand cores on, and to what else
 * the host does. Half of the scale leaves a child a tenth of a core that others want.
 */
export const childNicenessStep = 10;

/** The nice value of a child, −20…19. */
export function childNiceness(): number {
  return Math.min(constants.priority.PRIORITY_LOW, getPriority() + childNicenessStep);
}

/**
 * The error of a start that failed with an errno, in the form that `spawn` gives it; with the part of the
 * sandbox that could not be had, if that was the reason.
 */
export function startErrorOf(
  [program = '', ...spawnargs]: readonly string[],
  errno: number,
  part?: string,
): Error {
  const code = getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
  const syscall = `spawn ${program}`;
  const facts = { errno: -errno, code, syscall, path: program, spawnargs };
  const place = part === undefined ? '' : ` (${part})`;
  return Object.assign(new Error(`${syscall} ${code}${place}`), facts);
}
