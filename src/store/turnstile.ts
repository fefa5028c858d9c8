import { failure } from '../base/failure.ts';
import { StoreError } from './store-error.ts';

/**
 * Lets one piece of work through at a time, in order of arrival. Refuses more than `waitingMax`
 * waiting pieces, and all of them once it is closed.
 */
export class Turnstile {
  readonly #waitingMax: number;
  #waiting = 0;
  #isClosed = false;
  #last: Promise<void> = Promise.resolve();

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /**
   * Runs `work` after all that came before it, whether that went well or not.
   *
   * @throws StoreError `unavailable` when it is closed or full.
   */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#isClosed) throw new StoreError(failure('unavailable', 'The database is closed.'));
    if (this.#waiting >= this.#waitingMax) {
      throw new StoreError(failure('unavailable', 'The database has too much waiting. Try later.'));
    }
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#waiting += 1;
    try {
      await before;
      return await work();
    } finally {
      this.#waiting -= 1;
      resolve();
    }
  }

  /** Lets nothing more in; resolves when the last piece is through. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }
}
