import type { Clock } from '../base/clock.ts';
import type { Child } from '../processes/child.ts';
import { recognitionLimitMs } from './time-limit.ts';
import { readVitalSigns } from './vital-signs.ts';
import type { VitalSigns } from './vital-signs.ts';

/**
 * How long an engine may do nothing at all: neither compute, nor read, nor answer. Two minutes, because a
 * model is read in pieces of up to 133 MB (the token embeddings of `large-v3`), and each counts only once
 * it is there: a disk or network that gives a little more than 1 MB/s is slow, but moves. It is also more
 * than a busy machine makes a process wait for its turn.
 */
export const silenceLimitMs = 120_000;

/** What an engine recognizes between two answers, in seconds: a window. */
const windowSec = 30;

/** How much later than the engine's own limit for a window it is ended from outside, in milliseconds. */
const windowSlackMs = 30_000;

/** Looks at an engine that often within {@link silenceLimitMs}. */
const looksPerLimit = 6;

/** How long an engine may compute without an answer, having read all it needs. */
export function answerLimitMs(threads: number): number {
  return recognitionLimitMs(windowSec, threads) + windowSlackMs;
}

/** What a watchdog goes by. */
export interface WatchdogParts {
  /** The engine's thread budget. */
  readonly threads: number;
  readonly clock: Clock;
}

/**
 * Ends an engine's process group as `stalled` when it stands still: it shows no sign of life for
 * {@link silenceLimitMs} (stopped, or its threads wait for each other or for a disk), or it computes
 * without getting anywhere for {@link answerLimitMs}.
 *
 * ```
 * idle ──watch──▶ looking, until the child has ended ──still for too long──▶ child.end('stalled')
 * ```
 */
export class Watchdog {
  readonly #parts: WatchdogParts;
  #signs: VitalSigns | undefined;
  #livedAtMs: number;
  #movedAtMs: number;
  #hasEnded = false;
  #cancelLook: () => void = () => undefined;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
    this.#livedAtMs = parts.clock.monotonicMs();
    this.#movedAtMs = this.#livedAtMs;
  }

  /** Watches a child, once; returns how to stop, for when it has ended. */
  watch(child: Child): () => void {
    this.noteAnswer();
    this.#scheduleLook(child);
    return () => {
      this.#hasEnded = true;
      this.#cancelLook();
    };
  }

  /** The engine has answered something. */
  noteAnswer(): void {
    this.#movedAtMs = this.#parts.clock.monotonicMs();
    this.#livedAtMs = this.#movedAtMs;
  }

  #scheduleLook(child: Child): void {
    const delayMs = silenceLimitMs / looksPerLimit;
    this.#cancelLook = this.#parts.clock.after(delayMs, () => void this.#look(child));
  }

  async #look(child: Child): Promise<void> {
    const signs = child.pid === undefined ? undefined : await readVitalSigns(child.pid);
    if (this.#hasEnded) return;
    this.#take(signs);
    const nowMs = this.#parts.clock.monotonicMs();
    const isSilent = nowMs - this.#livedAtMs >= silenceLimitMs;
    const isStuck = nowMs - this.#movedAtMs >= answerLimitMs(this.#parts.threads);
    if (isSilent || isStuck) child.end('stalled');
    else this.#scheduleLook(child);
  }

  /** Compares with the last look; what was read counts as an answer. */
  #take(signs: VitalSigns | undefined): void {
    const nowMs = this.#parts.clock.monotonicMs();
    // Where nobody can tell, it is taken to live.
    if (signs === undefined || signs.cpuTicks !== this.#signs?.cpuTicks) this.#livedAtMs = nowMs;
    if (signs?.bytesRead !== this.#signs?.bytesRead) this.noteAnswer();
    this.#signs = signs;
  }
}
