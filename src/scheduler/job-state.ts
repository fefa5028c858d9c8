import type { JsonObject } from '../base/json.ts';
import type { Failure } from '../base/failure.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { Estimate } from '../resources/demand.ts';

/**
 * State of a job. `queued` until its first node starts; the last three are terminal, unless somebody
 * asks for a retry.
 *
 * ```
 * queued ─▶ running ─▶ succeeded | failed | cancelled
 *    │         ▲                      │
 *    │         └──── retry ───────────┤   (to `queued` where no node had ever started)
 *    └────────────────────────▶ cancelled
 * ```
 */
export type JobPhase = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/**
 * State of a node.
 *
 * ```
 * waiting ─▶ ready ─▶ running ─▶ succeeded | failed | cancelled
 *    │         ▲         │
 *    │         └─ delayed ◀┘  (a retry is due later)
 *    └─▶ skipped | cancelled     (also from ready and delayed: cancelled)
 * ```
 *
 * A retry of the job takes a node that has ended back to `waiting`.
 */
export type NodePhase =
  'waiting' | 'ready' | 'running' | 'delayed' | 'succeeded' | 'failed' | 'cancelled' | 'skipped';

/** A job as the scheduler and the store see it. Immutable; a change is a new value. */
export interface JobState {
  readonly id: string;
  readonly plan: Plan;
  /** What the client gave for the pipeline's `params:`; a retry plans with them again. */
  readonly params: JsonObject;
  /** On whose behalf it runs: hosts are shared fairly between tenants. {@link defaultTenant} for one. */
  readonly tenant: string;
  /** Whether results of earlier jobs may be used, and its own kept for later ones. */
  readonly usesCache: boolean;
  readonly phase: JobPhase;
  /** −100 … 100; higher starts first. */
  readonly priority: number;
  /** Wall-clock times in milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  /** Set once the source was probed. */
  readonly media?: MediaProbe;
  /** Set when `phase` is `failed`: the first failure that was not optional. */
  readonly failure?: JobFailure;
  readonly warnings: readonly JobWarning[];
  /** One record per planned node, same order. */
  readonly nodes: readonly NodeRecord[];
  /** Set between a cancel request and the end of the last running attempt. */
  readonly isCancelling: boolean;
}

/** A failure with the node that had it. */
export interface JobFailure extends Failure {
  readonly nodeId: string;
}

/** Something the uploader should know although the job goes on. */
export interface JobWarning {
  readonly code: string;
  readonly message: string;
  /** Absent when it is about the job as a whole. */
  readonly nodeId?: string;
}

/** The changing part of a node; the fixed part is its `PlannedNode`. */
export interface NodeRecord {
  readonly id: string;
  readonly phase: NodePhase;
  /** Attempts started so far; the running one's number. 0 before the first. */
  readonly attempt: number;
  /**
   * Attempts among them that use up no retry: their worker went away, or a retry of the job was asked
   * for since. Absent for none.
   */
  readonly excusedCount?: number;
  /** Attempts among those whose worker went away without a word; absent for none. */
  readonly lostCount?: number;
  readonly estimate: Estimate;
  /** When its last need was done (its first `ready`). */
  readonly queuedAtMs?: number;
  /** Start of the current or last attempt. */
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  /** When a `delayed` node becomes `ready`. */
  readonly dueAtMs?: number;
  /** Thread budget of the current or last attempt. */
  readonly cores?: number;
  /** Why it failed, or why its last attempt did. */
  readonly failure?: Failure;
  /** Why it was skipped, as a sentence. */
  readonly skipReason?: string;
  readonly artifacts: readonly Artifact[];
  /** Set when the artifacts were made earlier, from the same inputs, and nothing had to run. */
  readonly isReused?: true;
}

/** The tenant of a service that knows only one. */
export const defaultTenant = 'default';

/** Attempts that count against the node's retries. */
export function countedAttempt({ attempt, excusedCount = 0 }: NodeRecord): number {
  return attempt - excusedCount;
}

/** Whether a node can no longer change by itself. */
export function isTerminalNode(phase: NodePhase): boolean {
  return (
    phase === 'succeeded' || phase === 'failed' || phase === 'cancelled' || phase === 'skipped'
  );
}

/** Whether a job has ended. */
export function isTerminalJob(phase: JobPhase): boolean {
  return phase === 'succeeded' || phase === 'failed' || phase === 'cancelled';
}
