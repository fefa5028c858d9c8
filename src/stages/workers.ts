import { assert } from '../base/assert.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { BoundedBuffer } from './bounded-buffer.ts';

/** What a pool does, and with how much of it at a time. */
export interface Work<In, Out, Failed> {
  /** Most items worked on at a time, 1 or more. */
  readonly workers: number;
  /** `kept`: what was taken first comes out first, and one that takes long holds the others back. */
  readonly order: 'kept' | 'free';
  /** Handles one item; `signal` is aborted when its result is no longer wanted. */
  readonly handle: (item: In, signal: AbortSignal) => Promise<Result<Out, Failed>>;
}

/** From where items come, where results go, and who may end it. */
export interface WorkerPorts<In, Out> {
  readonly input: BoundedBuffer<In>;
  readonly output: BoundedBuffer<Out>;
  readonly signal: AbortSignal;
}

/**
 * Takes items until the input ends, hands each to one of the workers and puts what comes of it; then
 * closes the output. An item is in one hand at a time, and a result that finds no room keeps its worker: so
 * at most `workers` items are between the buffers, and a slow taker slows the workers.
 *
 * The first failure ends it: both buffers are aborted, what runs is told by its signal and waited for. So
 * does an abort of `signal`, with no failure of its own: the caller knows why.
 *
 * @returns the first failure. Everything has ended when it settles.
 * @throws what `handle` threw first, once everything has ended.
 */
export async function runWorkers<In, Out, Failed>(
  { input, output, signal }: WorkerPorts<In, Out>,
  { workers, order, handle }: Work<In, Out, Failed>,
): Promise<Result<void, Failed>> {
  assert(Number.isInteger(workers) && workers >= 1, 'a pool has one worker or more');
  const ending = new AbortController();
  const turns = new Turns();
  let first: { readonly failure: Failed } | { readonly thrown: unknown } | undefined;
  const stop = (): void => {
    ending.abort(signal.reason);
    input.abort();
    output.abort();
    turns.abort();
  };
  const work = async (): Promise<void> => {
    for (let taken = await input.take(); !taken.ended; taken = await input.take()) {
      const result = await handle(taken.item, ending.signal);
      if (!result.ok) {
        first ??= { failure: result.error };
        return stop();
      }
      if (order === 'kept') await turns.wait(taken.index);
      if (!(await output.put(result.value))) return stop();
      turns.pass();
    }
  };
  const guarded = (): Promise<void> =>
    work().catch((thrown: unknown) => {
      first ??= { thrown };
      stop();
    });
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await Promise.all(Array.from({ length: workers }, guarded));
  signal.removeEventListener('abort', stop);
  output.close();
  if (first === undefined) return ok(undefined);
  if ('thrown' in first) throw first.thrown;
  return err(first.failure);
}

/** Lets those who wait through one after the other, by number, from 0 on. */
class Turns {
  #next = 0;
  #isAborted = false;
  readonly #waiting = new Map<number, () => void>();

  /** Resolves when all smaller numbers have passed, or it was aborted. */
  wait(number: number): Promise<void> {
    if (this.#isAborted || number === this.#next) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  /** The one whose turn it is is through. */
  pass(): void {
    this.#next += 1;
    this.#waiting.get(this.#next)?.();
    this.#waiting.delete(this.#next);
  }

  /** Lets nobody wait any more. */
  abort(): void {
    this.#isAborted = true;
    for (const resolve of this.#waiting.values()) resolve();
    this.#waiting.clear();
  }
}
