import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { BoundedBuffer, Taken } from './bounded-buffer.ts';

/** Why a batch was closed: it was full, its first item got old, somebody asked, or no more came. */
export type BatchReason = 'size' | 'delay' | 'flush' | 'end';

/** Items that travel together, in the order in which they came; never none. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  readonly reason: BatchReason;
}

/** When a batch is closed. */
export interface BatchLimits {
  /** Most items of a batch, 1 or more. */
  readonly sizeMax: number;
  /** Most milliseconds from a batch's first item to its close; absent: a batch waits to be full. */
  readonly delayMsMax?: number;
}

/**
 * Packs the items of one buffer into batches for another. While a batch waits for room in the
 * second, none is open, so nothing is taken from the first: batches never pile up in between.
 */
export class Batcher<Item> {
  readonly #input: BoundedBuffer<Item>;
  readonly #output: BoundedBuffer<Batch<Item>>;
  readonly #limits: BatchLimits;
  readonly #clock: Clock;
  #open: Item[] = [];
  #taking: Promise<Taken<Item>> | undefined;
  #nudge = Promise.withResolvers<'delay' | 'flush'>();
  #cancelTimer = (): void => {};

  constructor(
    input: BoundedBuffer<Item>,
    output: BoundedBuffer<Batch<Item>>,
    { clock, ...limits }: BatchLimits & { readonly clock: Clock },
  ) {
    assert(Number.isInteger(limits.sizeMax) && limits.sizeMax >= 1, 'a batch has room for an item');
    this.#input = input;
    this.#output = output;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Closes the batch that is being filled; with none it does nothing. */
  flush(): void {
    if (this.#open.length > 0) this.#nudge.resolve('flush');
  }

  /**
   * Packs until the input ends, then closes the output; or until the output was closed or aborted.
   * Calls `onBatch` for each batch that got its room. Leaves no timer.
   */
  async run(onBatch: (batch: Batch<Item>) => void = () => {}): Promise<void> {
    for (;;) {
      const next = await this.#next();
      const isEnd = typeof next === 'object' && next.ended;
      if (typeof next === 'object' && !next.ended) this.#add(next.item);
      const reason = isEnd ? 'end' : typeof next === 'string' ? next : 'size';
      const isDue = reason !== 'size' || this.#open.length >= this.#limits.sizeMax;
      if (isDue && !(await this.#emit(reason, onBatch))) return;
      if (isEnd) return this.#output.close();
    }
  }

  /** An item or a nudge; a take that a nudge overtook goes on and gives the next item. */
  async #next(): Promise<Taken<Item> | 'delay' | 'flush'> {
    this.#taking ??= this.#input.take();
    const next = await Promise.race([this.#taking, this.#nudge.promise]);
    if (typeof next === 'object') this.#taking = undefined;
    return next;
  }

  #add(item: Item): void {
    this.#open.push(item);
    const { delayMsMax } = this.#limits;
    if (this.#open.length > 1 || delayMsMax === undefined) return;
    this.#cancelTimer = this.#clock.after(delayMsMax, () => this.#nudge.resolve('delay'));
  }

  /** False when nobody takes batches any more. */
  async #emit(reason: BatchReason, onBatch: (batch: Batch<Item>) => void): Promise<boolean> {
    this.#cancelTimer();
    const batch = { items: this.#open, reason };
    this.#open = [];
    this.#nudge = Promise.withResolvers();
    if (batch.items.length === 0) return true;
    if (!(await this.#output.put(batch))) return false;
    onBatch(batch);
    return true;
  }
}
