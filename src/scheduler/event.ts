import type { Failure } from '../base/failure.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { Expansion } from '../pipeline/plan.ts';
import type { JobWarning } from './job-state.ts';
import type { RetryRequest } from './kept-nodes.ts';

/**
 * A fact about a job. `atMs` is wall-clock time; the core has no clock of its own. An event about an
 * attempt that is not the node's current one is stale and changes nothing.
 */
export type JobEvent =
  | { readonly type: 'job-submitted'; readonly atMs: number }
  | {
      readonly type: 'attempt-started';
      readonly atMs: number;
      readonly nodeId: string;
      /** The new attempt's number: the record's `attempt` + 1. */
      readonly attempt: number;
      readonly cores: number;
    }
  | {
      readonly type: 'attempt-succeeded';
      readonly atMs: number;
      readonly nodeId: string;
      readonly attempt: number;
      readonly artifacts: readonly Artifact[];
      readonly warnings: readonly JobWarning[];
      /** Set when nothing ran: an earlier result from the same inputs was used. */
      readonly isReused?: true;
      /** Present when this attempt probed the source; both or neither. */
      readonly media?: MediaProbe;
      readonly expansion?: Expansion;
    }
  | {
      readonly type: 'attempt-failed';
      readonly atMs: number;
      readonly nodeId: string;
      readonly attempt: number;
      readonly failure: Failure;
    }
  /** The worker that ran it is gone; nothing is known of its end. */
  | {
      readonly type: 'attempt-lost';
      readonly atMs: number;
      readonly nodeId: string;
      readonly attempt: number;
    }
  /** Its worker stopped in good order and hands the node back; nothing speaks against it. */
  | {
      readonly type: 'attempt-released';
      readonly atMs: number;
      readonly nodeId: string;
      readonly attempt: number;
    }
  /** A running attempt ended because the core asked for it (`stop-attempt`). */
  | {
      readonly type: 'attempt-stopped';
      readonly atMs: number;
      readonly nodeId: string;
      readonly attempt: number;
    }
  | { readonly type: 'retry-due'; readonly atMs: number; readonly nodeId: string }
  | { readonly type: 'cancel-requested'; readonly atMs: number }
  /** An ended job is to go on: what has to run again by {@link keptNodes} does, all else is kept. */
  | ({ readonly type: 'retry-requested'; readonly atMs: number } & RetryRequest);
