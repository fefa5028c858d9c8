import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { ProcessStarter, StartOrder, StartedProcess } from './process-starter.ts';

/**
 * A child process and its end.
 *
 * ```
 * running ──end(cause)──▶ terminating (SIGTERM) ──grace──▶ killed (SIGKILL)
 *    └────────── gone: exited, and nobody holds its pipes ◀───────┘
 * ```
 *
 * The first cause wins: a child that was told to stop because it stalled stays `stalled`, whatever
 * comes later. A child that ended by itself has no cause.
 */
export class Child {
  /** Resolves once the child is gone, however it ended; never rejects. */
  readonly gone: Promise<ChildExit>;
  /** Absent when the system refused the start outright. */
  readonly process: ChildProcess | undefined;
  readonly #clock: Clock;
  readonly #cpuSecMax: number;
  readonly #startedAtMs: number;
  readonly #resolve: (exit: ChildExit) => void;
  #cause: EndCause | undefined;
  #hasExited = false;
  #isGone = false;
  #cancelKill: () => void = () => {};

  /** Starts the child. A start that fails shows as `startError` of its exit. */
  constructor(order: ChildOrder, { starter, clock }: ChildServices) {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    this.gone = promise;
    this.#resolve = resolve;
    this.#clock = clock;
    this.#cpuSecMax = order.limits.cpuSec;
    this.#startedAtMs = clock.monotonicMs();
    try {
      const started = starter.start({ ...order, isConversing: order.conversation !== undefined });
      this.process = started.process;
      this.#listen(started, order);
    } catch (thrown) {
      // Some errors come as an event, others (too many arguments, no memory) are thrown.
      this.#settle({ startError: thrown instanceof Error ? thrown : new Error(String(thrown)) });
    }
  }

  /** The process id; absent when it could not be started. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Tells the child to end; only the first cause counts, and none when it has already ended. */
  end(cause: EndCause): void {
    if (this.#isGone) return;
    // It has ended, but something it started holds its pipes.
    if (this.#hasExited) return this.#signal('SIGKILL');
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.#signal('SIGTERM');
    this.#cancelKill = this.#clock.after(terminationGraceMs, () => this.#signal('SIGKILL'));
  }

  #listen({ process, startError }: StartedProcess, order: ChildOrder): void {
    if (process.pid !== undefined) liveChildren.add(process.pid);
    // Node may leave the pipes out when the start fails for want of file descriptors.
    process.stdout?.setEncoding('utf8').on('data', order.onStdout);
    process.stderr?.setEncoding('utf8').on('data', order.onStderr);
    if (order.conversation !== undefined) converse(process, order.conversation);
    process.on('error', (error) => {
      if (process.pid === undefined) this.#settle({ startError: error });
    });
    process.on('exit', () => (this.#hasExited = true));
    process.on('close', (code, signal) => {
      const error = startError();
      if (error !== undefined && this.#cause === undefined) {
        return this.#settle({ startError: error });
      }
      this.#settle({
        ...(code === null ? {} : { code }),
        ...(signal === null ? {} : { signal }),
        ...(this.#cause === undefined ? {} : { cause: this.#cause }),
        ...(this.#mayHaveSpentItsCpu ? { mayHaveSpentItsCpu: true } : {}),
      });
    });
  }

  get #mayHaveSpentItsCpu(): boolean {
    const elapsedSec = (this.#clock.monotonicMs() - this.#startedAtMs) / 1000;
    return elapsedSec * availableParallelism() >= this.#cpuSecMax;
  }

  #settle(exit: ChildExit): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#cancelKill();
    if (this.pid !== undefined) liveChildren.delete(this.pid);
    this.#resolve(exit);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) signalGroup(this.pid, signal);
  }
}

/** The file descriptor, in the child, of the pipe that takes its answers. */
export const answerDescriptor = 3;

function converse(process: ChildProcess, conversation: Conversation): void {
  // A child that has ended leaves broken pipes behind; its end tells what there is to tell.
  process.stdin?.on('error', () => {});
  process.stdin?.write(`${conversation.order}\n`);
  const answers = process.stdio[answerDescriptor];
  if (!(answers instanceof Readable)) return;
  answers.on('error', () => {});
  answers.setEncoding('utf8').on('data', conversation.onAnswer);
}

/** What a child needs from the outside. */
export interface ChildServices {
  readonly starter: ProcessStarter;
  readonly clock: Clock;
}

/** How to start a child. */
export interface ChildOrder extends Omit<StartOrder, 'isConversing'> {
  readonly onStdout: (text: string) => void;
  readonly onStderr: (text: string) => void;
  /** For children of this program; others read nothing and answer on standard output. */
  readonly conversation?: Conversation;
}

/**
 * What a child of this program is told, and where it answers. Native code may write anything to
 * standard output, so answers have a pipe of their own.
 */
export interface Conversation {
  /**
   * One line, without its end. It is written to the child's standard input, which then stays open for
   * as long as this process lives: its end tells the child that nobody waits for answers any more.
   */
  readonly order: string;
  readonly onAnswer: (text: string) => void;
}

/** Why a child was told to end. */
export type EndCause = 'cancelled' | 'stalled' | 'timeout' | 'flooded';

/** How a child ended: with a code, by a signal, or never started. */
export interface ChildExit {
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
  readonly startError?: Error;
  /** Set when this service ended it. */
  readonly cause?: EndCause;
  /**
   * Set when it lived long enough to have used all its CPU time. That some limit ended a program does
   * not always show: ffmpeg takes SIGXCPU for a wish to end, and ends with a code of its own.
   */
  readonly mayHaveSpentItsCpu?: true;
}

/** Milliseconds between SIGTERM and SIGKILL: enough for ffmpeg to close a file it is writing. */
export const terminationGraceMs = 2000;

/** Ends a group that Node's own exit would leave running; for the exit of a crashing service. */
class LiveChildren {
  readonly #pids = new Set<number>();
  #isListening = false;

  add(pid: number): void {
    this.#pids.add(pid);
    if (this.#isListening) return;
    this.#isListening = true;
    process.on('exit', () => {
      for (const live of this.#pids) signalGroup(live, 'SIGKILL');
    });
  }

  delete(pid: number): void {
    this.#pids.delete(pid);
  }
}

const liveChildren = new LiveChildren();

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the group has just ended by itself, which is what was asked for.
  }
}
