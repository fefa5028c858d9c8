import { assert } from '../base/assert.ts';

/** What a {@link BoundedBuffer.take} gives. */
export type Taken<Item> =
  | {
      readonly ended: false;
      readonly item: Item;
      /** Zero-based place of the item among all that were put. */
      readonly index: number;
    }
  | { readonly ended: true };

/** A put that waits for room. */
interface WaitingPut<Item> {
  readonly item: Item;
  readonly settle: (isAccepted: boolean) => void;
}

/**
 * A queue of at most `capacity` items between those who put and those who take, first in, first out.
 * A full one makes putters wait: that is all there is of backpressure.
 *
 * ```
 * open ──close()──▶ closed: what is inside or waits to be put is still given out, then it has ended
 *   │                 │
 *   └────abort()──────┴──▶ aborted: what is inside is dropped, and everybody who waits is told
 * ```
 *
 * Nothing here rejects: an end is a value, so that a waiter can't be forgotten or go unhandled.
 */
export class BoundedBuffer<Item> implements AsyncIterable<Item> {
  readonly capacity: number;
  readonly #items: { readonly item: Item }[] = [];
  readonly #puts: WaitingPut<Item>[] = [];
  readonly #takes: ((taken: Taken<Item>) => void)[] = [];
  #state: 'open' | 'closed' | 'aborted' = 'open';
  #takenCount = 0;
  #sizeMost = 0;

  /** `capacity` is the most items held, 1 or more. */
  constructor(capacity: number) {
    assert(Number.isInteger(capacity) && capacity >= 1, 'a buffer holds one item or more');
    this.capacity = capacity;
  }

  /** Items held now, 0…capacity; those whose put still waits are not among them. */
  get size(): number {
    return this.#items.length;
  }

  /** The most items that it has held at a time. */
  get sizeMost(): number {
    return this.#sizeMost;
  }

  /** Resolves to true once the item has its room, to false when the buffer was closed or aborted. */
  put(item: Item): Promise<boolean> {
    if (this.#state !== 'open') return Promise.resolve(false);
    const take = this.#takes.shift();
    if (take !== undefined) {
      take(this.#handOut(item));
      return Promise.resolve(true);
    }
    if (this.#items.length < this.capacity) {
      this.#store(item);
      return Promise.resolve(true);
    }
    return new Promise((settle) => this.#puts.push({ item, settle }));
  }

  /** Resolves to the oldest item, as soon as there is one, or to the end. */
  take(): Promise<Taken<Item>> {
    const oldest = this.#items.shift();
    if (oldest !== undefined) {
      const taken = this.#handOut(oldest.item);
      this.#letIn();
      return Promise.resolve(taken);
    }
    if (this.#state !== 'open') return Promise.resolve({ ended: true });
    return new Promise((settle) => this.#takes.push(settle));
  }

  /** Takes no more items; those that wait for room are still let in. Again is no harm. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#endTakes();
  }

  /** Drops what is inside and lets nobody wait. Again is no harm. */
  abort(): void {
    this.#state = 'aborted';
    this.#items.length = 0;
    for (const { settle } of this.#puts.splice(0)) settle(false);
    this.#endTakes();
  }

  /** Takes until the end. A loop that is left early leaves the rest where it is. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for (let taken = await this.take(); !taken.ended; taken = await this.take()) yield taken.item;
  }

  #store(item: Item): void {
    this.#items.push({ item });
    this.#sizeMost = Math.max(this.#sizeMost, this.#items.length);
  }

  /** Gives the room that a take left to the putter that waits longest. */
  #letIn(): void {
    const put = this.#puts.shift();
    if (put === undefined) return;
    this.#store(put.item);
    put.settle(true);
  }

  #handOut(item: Item): Taken<Item> {
    const index = this.#takenCount;
    this.#takenCount += 1;
    return { ended: false, item, index };
  }

  #endTakes(): void {
    for (const settle of this.#takes.splice(0)) settle({ ended: true });
  }
}
