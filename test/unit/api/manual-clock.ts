import type { Clock } from '../../../src/base/clock.ts';

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Map<symbol, { readonly dueMs: number; readonly callback: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const key = Symbol('timer');
    this.#timers.set(key, { dueMs: this.#nowMs + delayMs, callback });
    return () => void this.#timers.delete(key);
  }

  /** Timers that are set and not due yet. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on, and runs what becomes due on the way, in order. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      const next = [...this.#timers].sort(([, a], [, b]) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next[1].dueMs > endMs) break;
      this.#timers.delete(next[0]);
      this.#nowMs = next[1].dueMs;
      next[1].callback();
    }
    this.#nowMs = endMs;
  }
}
