import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';

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
  readonly #resolve: (exit: ChildExit) => void;
  #cause: EndCause | undefined;
  #hasExited = false;
  #isGone = false;
  #cancelKill: () => void = () => {};

  /** Starts the child. A start that fails shows as `startError` of its exit. */
  constructor(order: ChildOrder, clock: Clock) {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    this.gone = promise;
    this.#resolve = resolve;
    this.#clock = clock;
    try {
      this.process = spawnChild(order);
      this.#listen(this.process, order);
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

  #listen(process: ChildProcess, order: ChildOrder): void {
    if (process.pid !== undefined) {
      liveChildren.add(process.pid);
      giveWay(process.pid);
    }
    // Node may leave the pipes out when the start fails for want of file descriptors.
    process.stdout?.setEncoding('utf8').on('data', order.onStdout);
    process.stderr?.setEncoding('utf8').on('data', order.onStderr);
    if (order.conversation !== undefined) converse(process, order.conversation);
    process.on('error', (error) => {
      if (process.pid === undefined) this.#settle({ startError: error });
    });
    process.on('exit', () => (this.#hasExited = true));
    process.on('close', (code, signal) => {
      this.#settle({
        ...(code === null ? {} : { code }),
        ...(signal === null ? {} : { signal }),
        ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      });
    });
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

function spawnChild(order: ChildOrder): ChildProcess {
  const [program = '', ...args] = order.argv;
  return spawn(program, args, {
    cwd: order.cwd,
    env: { ...order.env },
    stdio: order.conversation === undefined ? silentPipes : conversationPipes,
    // A group of its own: the child does not get the terminal's Ctrl-C before the service decides,
    // and a launcher's own children end with it.
    detached: true,
    windowsHide: true,
  });
}

/**
 * How much nicer than the service a child is (setpriority(2)): it gets all that is idle, and gives way to
 * the service, which has to answer and to hand cores on, and to what else the host does. Half of the
 * scale leaves a child a tenth of a core that others want.
 */
export const childNiceness = 10;

function giveWay(pid: number): void {
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + childNiceness));
  } catch {
    // ESRCH: it has ended already.
  }
}

/** Nothing to read; what it writes is taken. */
const silentPipes: StdioOptions = ['ignore', 'pipe', 'pipe'];

/** The same with an open standard input, and the pipe for answers behind standard error. */
const conversationPipes: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe'];

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

/** How to start a child. */
export interface ChildOrder {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
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
