import type { JobPhase, NodePhase, NodeRecord } from '../scheduler/job-state.ts';
import type { Notice } from '../scheduler/effect.ts';
import type { JobSnapshot } from '../jobs/job-service.ts';
import type { PlannedNode } from '../pipeline/plan.ts';
import { required, unreachable } from '../base/assert.ts';

/**
 * A job as the command line shows it. It is made of a job in this process ({@link toJobView}) or of
 * the HTTP API's JSON (`parseJobView`), so that the tree and the timeline are the same for both.
 * Times are wall-clock milliseconds since the epoch.
 */
export interface JobView {
  readonly id: string;
  readonly pipeline: string;
  readonly phase: JobPhase;
  readonly createdAtMs: number;
  readonly endedAtMs?: number;
  /** Why it failed, for people. */
  readonly failure?: ViewFailure;
  readonly warnings: readonly ViewWarning[];
  /** In pipeline order. */
  readonly nodes: readonly NodeView[];
}

/** Why a job failed, and where. */
export interface ViewFailure {
  readonly code: string;
  readonly message: string;
  readonly nodeId?: string;
  /** For the operator; only of a job in this process. */
  readonly operatorDetail?: string;
}

/** Something the uploader should know although the job went on. */
export interface ViewWarning {
  readonly message: string;
  readonly nodeId?: string;
}

/** A node as the command line shows it. */
export interface NodeView {
  readonly id: string;
  readonly needs: readonly string[];
  readonly phase: NodePhase;
  readonly attempt: number;
  /** When its last need was done. */
  readonly queuedAtMs?: number;
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  /** Thread budget of the current or last attempt; 0 for input/output work. */
  readonly cores?: number;
  /** 0…1, while it runs and when it reported any. */
  readonly progress?: number;
  /** Why it failed or was skipped. */
  readonly reason?: string;
  /** Set when an earlier result was used and nothing ran. */
  readonly isReused?: true;
}

/** Something that happened to a job, at a wall-clock time. */
export type JobNotice =
  | {
      readonly type: 'node';
      readonly atMs: number;
      readonly nodeId: string;
      readonly phase: NodePhase;
      readonly attempt: number;
      readonly cores?: number;
      readonly isReused?: true;
    }
  | { readonly type: 'warning'; readonly atMs: number; readonly message: string }
  | { readonly type: 'job'; readonly atMs: number; readonly phase: JobPhase };

/** The notice for the command line. */
export function toJobNotice(notice: Notice): JobNotice {
  const { atMs } = notice;
  switch (notice.type) {
    case 'node':
      return notice;
    case 'warning':
      return { type: 'warning', atMs, message: notice.warning.message };
    case 'job':
      return { type: 'job', atMs, phase: notice.phase };
    default:
      return unreachable(notice);
  }
}

/** The view of a job of this process. */
export function toJobView({ job, progress }: JobSnapshot): JobView {
  const { state } = job;
  const records = new Map(state.nodes.map((record) => [record.id, record]));
  return {
    id: state.id,
    pipeline: state.plan.pipeline,
    phase: state.phase,
    createdAtMs: state.createdAtMs,
    ...(state.endedAtMs !== undefined && { endedAtMs: state.endedAtMs }),
    ...(state.failure !== undefined && { failure: state.failure }),
    warnings: state.warnings,
    nodes: state.plan.nodes.map((planned) => {
      const record = required(records.get(planned.id), `record of node ${planned.id}`);
      return toNodeView(planned, record, progress.get(planned.id));
    }),
  };
}

/** The same job with a node's new progress. */
export function withProgress(view: JobView, nodeId: string, fraction: number): JobView {
  return {
    ...view,
    nodes: view.nodes.map((node) =>
      node.id === nodeId && node.phase === 'running' ? { ...node, progress: fraction } : node,
    ),
  };
}

/**
 * The need whose end let the node go: the last one of its needs to end. Of several that ended in one
 * moment, the last in pipeline order. Undefined for a node without needs, or before they have ended.
 */
export function unblockerOf(node: NodeView, nodes: readonly NodeView[]): NodeView | undefined {
  let last: NodeView | undefined;
  for (const candidate of nodes) {
    if (!node.needs.includes(candidate.id) || candidate.endedAtMs === undefined) continue;
    if (last?.endedAtMs === undefined || candidate.endedAtMs >= last.endedAtMs) last = candidate;
  }
  return last;
}

/**
 * The chain of nodes that the job's end waited for, first to last: from the node that ended last, back
 * over the need that let each one go. Empty while nothing has ended.
 */
export function criticalPath(nodes: readonly NodeView[]): readonly string[] {
  const ran = nodes.filter(
    (node) => node.startedAtMs !== undefined && node.endedAtMs !== undefined,
  );
  let current = ran.reduce<NodeView | undefined>(
    (last, node) => ((node.endedAtMs ?? 0) >= (last?.endedAtMs ?? 0) ? node : last),
    undefined,
  );
  const path: string[] = [];
  // Bounded by the number of nodes: needs form no cycle.
  while (current !== undefined && path.length < nodes.length) {
    path.unshift(current.id);
    current = unblockerOf(current, ran);
  }
  return path;
}

function toNodeView(
  planned: PlannedNode,
  record: NodeRecord,
  progress: number | undefined,
): NodeView {
  const reason = record.failure?.message ?? record.skipReason;
  return {
    id: planned.id,
    needs: planned.needs,
    phase: record.phase,
    attempt: record.attempt,
    ...(record.queuedAtMs !== undefined && { queuedAtMs: record.queuedAtMs }),
    ...(record.startedAtMs !== undefined && { startedAtMs: record.startedAtMs }),
    ...(record.endedAtMs !== undefined && { endedAtMs: record.endedAtMs }),
    ...(record.cores !== undefined && { cores: record.cores }),
    ...(progress !== undefined && record.phase === 'running' && { progress }),
    ...(reason !== undefined && { reason }),
    ...(record.isReused && { isReused: record.isReused }),
  };
}
