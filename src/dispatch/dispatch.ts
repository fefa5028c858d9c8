import type { Offer } from '../scheduler/effect.ts';
import type { StoreTransaction } from '../store/store.ts';

/**
 * Brings ready nodes to the workers that run them.
 *
 * ```
 * offered ─▶ claimed ─▶ settled
 *    │          └─▶ fenced      (withdrawn, offered anew, or its worker was given up)
 *    └─▶ withdrawn
 * ```
 *
 * Every change that belongs to a change of job state takes the transaction of that change: it counts
 * when the transaction commits, and never happened when it is rolled back. A dispatcher in memory
 * waits for `tx.onCommit`; one whose queue lies in the store's own database writes over the
 * transaction's connection (`SqlStoreTransaction.session`). Adapters are held to one conformance suite.
 */
export interface Dispatch {
  /**
   * Makes nodes available. Those of one transaction become visible together. A node has one offer at a
   * time: a new one takes the place of the old (its figures may have changed), and that of a newer
   * attempt fences the lease on the one before. An attempt that is leased already stays so.
   */
  offer(tx: StoreTransaction, offers: readonly Offer[]): Promise<void>;
  /** Takes back what was offered of a job, or of one node of it, and fences the leases on it. */
  withdraw(tx: StoreTransaction, jobId: string, nodeId?: string): Promise<void>;
  /**
   * Lets `choose` pick from the offers that this worker could start, oldest first. What it returns is
   * leased to the caller, and nobody else gets it. All of it happens before the call returns, so a
   * caller that reserves cores right after it never hands the same core out twice.
   */
  claim<Chosen extends Lease>(
    choose: (offers: readonly Offer[]) => readonly Chosen[],
  ): readonly Chosen[];
  /**
   * Ends a lease, in the transaction that stores how the attempt ended. False when the lease was
   * fenced or settled before: then the attempt's outcome must not count.
   */
  settle(tx: StoreTransaction, lease: Lease): Promise<boolean>;
  /** Keeps leases alive where they expire; returns those that are lost, whose attempts must end. */
  renew(leases: readonly Lease[]): Promise<readonly Lease[]>;
  /**
   * Calls back, soon after a commit, when there are offers to claim: once for all that came together,
   * from a clean stack. What was offered before is not announced. Returns how to stop listening.
   */
  onReady(listener: () => void): () => void;
  /** Offers that nobody has claimed yet. */
  pendingCount(): Promise<number>;
}

/** The right to run one attempt of a node. */
export interface Lease {
  readonly jobId: string;
  readonly nodeId: string;
  readonly attempt: number;
}
