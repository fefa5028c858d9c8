/* oxlint-disable typescript/require-await --
 * The port is asynchronous for queues that lie in a database; this one lies in memory. */
import { assert } from '../base/assert.ts';
import type { Offer } from '../scheduler/effect.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Dispatch, Lease } from './dispatch.ts';

/**
 * Dispatch within one process, for one machine. Nothing of it is durable: at a start the jobs in the
 * store are offered again. Leases never expire, as worker and dispatcher live and die together.
 *
 * It holds one offer or lease per unsettled node, so its size is bounded by that of the jobs that have
 * not ended, of which there are at most `unfinishedJobsMax` (`jobs/engine.ts`).
 */
export class LocalDispatch implements Dispatch {
  /** Node → offer, oldest first. */
  readonly #offers = new Map<string, Offer>();
  /** Node → claimed attempt. A node is in one of the two maps at most. */
  readonly #leases = new Map<string, Lease>();
  readonly #listeners = new Set<() => void>();
  #isAnnouncing = false;

  async offer(tx: StoreTransaction, offers: readonly Offer[]): Promise<void> {
    if (offers.length === 0) return;
    tx.onCommit(() => {
      for (const offer of offers) this.#put(offer);
      this.#announce();
    });
  }

  async withdraw(tx: StoreTransaction, jobId: string, nodeId?: string): Promise<void> {
    tx.onCommit(() => {
      if (nodeId !== undefined) return this.#remove(keyOf({ jobId, nodeId }));
      for (const node of [...this.#offers.values(), ...this.#leases.values()]) {
        if (node.jobId === jobId) this.#remove(keyOf(node));
      }
    });
  }

  claim<Chosen extends Lease>(
    choose: (offers: readonly Offer[]) => readonly Chosen[],
  ): readonly Chosen[] {
    const chosen = choose([...this.#offers.values()]);
    for (const { jobId, nodeId, attempt } of chosen) {
      const key = keyOf({ jobId, nodeId });
      const isOffered = this.#offers.get(key)?.attempt === attempt;
      assert(isOffered, `attempt ${attempt} of ${key} was chosen, but not offered`);
      this.#remove(key);
      this.#leases.set(key, { jobId, nodeId, attempt });
    }
    return chosen;
  }

  async settle(tx: StoreTransaction, lease: Lease): Promise<boolean> {
    const held = this.#leases.get(keyOf(lease));
    if (held?.attempt !== lease.attempt) return false;
    tx.onCommit(() => {
      if (this.#leases.get(keyOf(lease)) === held) this.#remove(keyOf(lease));
    });
    return true;
  }

  async renew(leases: readonly Lease[]): Promise<readonly Lease[]> {
    return leases.filter((lease) => this.#leases.get(keyOf(lease))?.attempt !== lease.attempt);
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async pendingCount(): Promise<number> {
    return this.#offers.size;
  }

  #put(offer: Offer): void {
    const key = keyOf(offer);
    // Claimed in the meantime: the same attempt is on its way and must not start twice.
    if (this.#leases.get(key)?.attempt === offer.attempt) return;
    this.#remove(key);
    this.#offers.set(key, offer);
  }

  /** A microtask later, so that transactions that end in the same turn are announced together. */
  #announce(): void {
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    queueMicrotask(() => {
      this.#isAnnouncing = false;
      if (this.#offers.size === 0) return;
      for (const listener of this.#listeners) listener();
    });
  }

  #remove(key: string): void {
    this.#offers.delete(key);
    this.#leases.delete(key);
  }
}

function keyOf({ jobId, nodeId }: Pick<Lease, 'jobId' | 'nodeId'>): string {
  return `${jobId}/${nodeId}`;
}
