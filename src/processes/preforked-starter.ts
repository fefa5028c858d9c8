import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { required } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { DirectStarter } from './direct-starter.ts';
import { encodeLauncherOrder, parseLauncherRefusal } from './launcher-order.ts';
import { startErrorOf } from './process-starter.ts';
import { withSystemAccess } from './system-access.ts';
import type {
  ProcessStarter,
  SandboxMethod,
  StartOrder,
  StartedProcess,
} from './process-starter.ts';

/** What a {@link PreforkedStarter} is made of. */
export interface PreforkedStarterParts {
  /** Absolute path of the launcher's program (`launcher.c`). */
  readonly launcherPath: string;
  readonly clock: Clock;
  /** Starts what no launcher can be had for; plainly, without limits, unless it is said. */
  readonly fallback?: ProcessStarter;
  /** Launchers that wait at most; {@link idleLaunchersMaxDefault} unless it is said. */
  readonly idleMax?: number;
  /** Whether programs are confined to the access of their orders; they are not unless it is said. */
  readonly confines?: boolean;
}

/**
 * As many programs start one right after the other: the end of `validate` lets four nodes begin. Each
 * that waits takes about a megabyte.
 */
export const idleLaunchersMaxDefault = 4;

/**
 * Milliseconds from a start to the fork that makes up for it, and from one such fork to the next. What
 * follows a start right away, another start or the record of it, does not wait for the fork.
 */
export const refillDelayMs = 100;

/**
 * Starts programs by launchers that were forked before they are needed:
 *
 * ```
 * forked ──▶ idle ──start: one write──▶ the program, owned by who started it
 *              └──close, or the end of this process──▶ gone
 * ```
 *
 * A start without an idle launcher forks one on the spot. They never keep this process alive.
 */
export class PreforkedStarter implements ProcessStarter {
  readonly method = 'launcher';
  readonly sandbox: SandboxMethod;
  readonly #launcherPath: string;
  readonly #clock: Clock;
  readonly #idleMax: number;
  readonly #idle = new Set<ChildProcess>();
  readonly #fallback: ProcessStarter;
  #cancelRefill: (() => void) | undefined;
  #isClosed = false;

  constructor(parts: PreforkedStarterParts) {
    this.sandbox = parts.confines === true ? 'launcher' : 'none';
    const { launcherPath, clock, fallback, idleMax = idleLaunchersMaxDefault } = parts;
    this.#launcherPath = launcherPath;
    this.#fallback = fallback ?? new DirectStarter();
    this.#clock = clock;
    this.#idleMax = idleMax;
    this.#scheduleRefill();
  }

  /** Launchers that wait for an order. */
  get idleCount(): number {
    return this.#idle.size;
  }

  start(order: StartOrder): StartedProcess {
    const frame = encodeLauncherOrder(this.#toOrder(order));
    const launcher = this.#take();
    this.#scheduleRefill();
    if (launcher.pid === undefined) return this.#startWithout(order);
    setReferenced(launcher, true);
    return command(launcher, order, frame);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRefill?.();
    this.#cancelRefill = undefined;
    await Promise.all([...this.#idle].map((launcher) => dismiss(launcher)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The order with all that it may reach, or without where nothing is confined. */
  #toOrder({ access, ...order }: StartOrder): StartOrder {
    if (access === undefined || this.sandbox === 'none') return order;
    return { ...order, access: withSystemAccess(access) };
  }

  /**
   * The launcher's file may be gone, or this process be short of descriptors: another way knows better,
   * but none of them confines, so that what is to be confined does not start at all.
   */
  #startWithout(order: StartOrder): StartedProcess {
    if (order.access === undefined || this.sandbox === 'none') return this.#fallback.start(order);
    throw startErrorOf(order.argv, constants.errno.EAGAIN, 'the launcher does not start');
  }

  /** The launcher that has waited longest, which is the surest to be ready; else a new one. */
  #take(): ChildProcess {
    for (const launcher of this.#idle) {
      this.#idle.delete(launcher);
      if (isAlive(launcher)) return launcher;
    }
    return forkLauncher(this.#launcherPath);
  }

  #scheduleRefill(): void {
    if (this.#isClosed || this.#cancelRefill !== undefined) return;
    if (this.#idle.size >= this.#idleMax) return;
    this.#cancelRefill = this.#clock.after(refillDelayMs, () => {
      this.#cancelRefill = undefined;
      // One at a time, so that what else there is to do comes in between.
      if (this.#refill()) this.#scheduleRefill();
    });
  }

  /** Whether it could; where it could not, the next start tries again. */
  #refill(): boolean {
    const launcher = tryFork(this.#launcherPath);
    if (launcher?.pid === undefined) return false;
    setReferenced(launcher, false);
    this.#idle.add(launcher);
    launcher.once('exit', () => this.#idle.delete(launcher));
    return true;
  }
}

/**
 * The pipes of every launcher: the three standard ones, the one for answers, and the one on which the
 * order comes and an errno goes back (`launcher.c`). It closes those that its program does not need.
 */
const launcherPipes: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'];

/** A launcher, or a process without an id where the system refuses one. */
function forkLauncher(path: string): ChildProcess {
  const launcher = spawn(path, [String(process.pid)], {
    cwd: '/',
    env: {},
    stdio: launcherPipes,
    detached: true,
    windowsHide: true,
  });
  // A refused start shows in the missing id, and a broken pipe of one that died in its end.
  launcher.on('error', () => {});
  for (const socket of socketsOf(launcher)) socket.on('error', () => {});
  return launcher;
}

/**
 * Whether it waits for an order. One that was killed stays a zombie until Node takes notice (proc(5),
 * state Z), and whoever got it would take its end for that of the program.
 */
function isAlive({ pid }: ChildProcess): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything.
    return !'ZX'.includes(line.charAt(line.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Some refusals are thrown: no memory, or a program for another machine. */
function tryFork(path: string): ChildProcess | undefined {
  try {
    return forkLauncher(path);
  } catch {
    return undefined;
  }
}

function command(launcher: ChildProcess, order: StartOrder, frame: Buffer): StartedProcess {
  const [input, , , answers, orders] = launcher.stdio;
  if (!order.isConversing) {
    input?.destroy();
    answers?.destroy();
  }
  const socket = required(orders instanceof Socket ? orders : undefined, 'the pipe of an order');
  const refusal: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => refusal.push(bytes));
  socket.write(frame);
  return {
    process: launcher,
    startError() {
      const reason = parseLauncherRefusal(Buffer.concat(refusal));
      return reason && startErrorOf(order.argv, reason.errno, reason.part);
    },
  };
}

/** Ends an idle launcher, which is gone when this settles. */
async function dismiss(launcher: ChildProcess): Promise<void> {
  setReferenced(launcher, true);
  const gone = once(launcher, 'close');
  for (const socket of socketsOf(launcher)) socket.destroy();
  await gone;
}

/** Whether this process stays alive for it. */
function setReferenced(launcher: ChildProcess, isReferenced: boolean): void {
  for (const handle of [launcher, ...socketsOf(launcher)]) {
    if (isReferenced) handle.ref();
    else handle.unref();
  }
}

function socketsOf({ stdio }: ChildProcess): readonly Socket[] {
  return stdio.filter((stream) => stream instanceof Socket);
}
