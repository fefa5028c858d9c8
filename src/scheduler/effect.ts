import type { JobFailure, JobPhase, JobWarning, NodePhase } from './job-state.ts';
import type { Estimate } from '../resources/demand.ts';

/** What the shell has to do after it committed the new state. */
export type Effect =
  /** The node's inputs exist: let a worker take it. */
  | { readonly type: 'offer-node'; readonly offer: Offer }
  /** The node must not start any more. */
  | { readonly type: 'withdraw-node'; readonly nodeId: string }
  /** End the running attempt; answer with `attempt-stopped` (or its own end, if that came first). */
  | { readonly type: 'stop-attempt'; readonly nodeId: string; readonly attempt: number }
  /** Send `retry-due` at that wall-clock time. */
  | {
      readonly type: 'wake-at';
      readonly nodeId: string;
      readonly atMs: number;
      /** The delay that was decided: it is never longer, also when the wall clock is set back. */
      readonly delayMs: number;
    }
  /** Tell whoever watches the job; stored with a sequence number in the same transaction. */
  | { readonly type: 'notify'; readonly notice: Notice };

/** A ready node, with all that ordering the starts needs. */
export interface Offer {
  readonly jobId: string;
  readonly nodeId: string;
  /** The attempt that a start would be. */
  readonly attempt: number;
  readonly estimate: Estimate;
  /** On whose behalf the job runs. */
  readonly tenant: string;
  /** The job's priority, −100 … 100. */
  readonly priority: number;
  /** Attempts of the node whose worker went away without a word; absent for none. */
  readonly lostCount?: number;
  readonly jobCreatedAtMs: number;
  /** When it became ready. */
  readonly readyAtMs: number;
  /** Core-seconds on the longest path from this node (included) to the job's end. */
  readonly remainingPathSec: number;
  /** Seconds to the job's end along the slowest path, were every node to run on its `coresMax`. */
  readonly remainingSpanSec: number;
  /** Core-seconds of all nodes of the job that have not ended: small means nearly finished. */
  readonly jobRemainingSec: number;
}

/** What a watcher of a job is told. */
export type Notice =
  | {
      readonly type: 'node';
      readonly atMs: number;
      readonly nodeId: string;
      readonly phase: NodePhase;
      readonly attempt: number;
      readonly cores?: number;
      /** With `succeeded`: nothing ran, as an earlier result from the same inputs was there. */
      readonly isReused?: true;
    }
  | { readonly type: 'warning'; readonly atMs: number; readonly warning: JobWarning }
  | {
      readonly type: 'job';
      readonly atMs: number;
      readonly phase: JobPhase;
      readonly failure?: JobFailure;
    };
