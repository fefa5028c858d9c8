import type { PlannedNode } from '../pipeline/plan.ts';
import type { Draft } from './draft.ts';
import { endIfDone } from './end.ts';
import type { JobEvent } from './event.ts';
import { expand } from './expand.ts';
import { isTerminalJob } from './job-state.ts';
import type { JobState, JobWarning, NodeRecord } from './job-state.ts';
import { isMediaKept, isNothingToRetry, keptNodes } from './kept-nodes.ts';
import { promote } from './promote.ts';

type RetryRequested = Extract<JobEvent, { readonly type: 'retry-requested' }>;

/**
 * Lets an ended job go on with another plan, which may be the same: what {@link keptNodes} keeps stays
 * as it is, everything else waits and starts as in a new job. Attempt numbers count on, as they name
 * directories, but those before the retry use up none of the new ones. A live job stays as it is, and
 * so does one that is complete. When nothing is left to run (what failed is not in the plan any more),
 * the job succeeds at once.
 */
export function retryRequested(draft: Draft, event: RetryRequested): void {
  const job: JobState = { ...draft.job, nodes: draft.nodes };
  if (!isTerminalJob(job.phase) || isNothingToRetry(job, event)) return;
  const kept = keptNodes(job, event);
  draft.restart(restarted(job, event, kept));
  for (const { id: nodeId, phase, attempt } of draft.nodes) {
    if (kept.has(nodeId)) continue;
    draft.notify({ type: 'node', atMs: draft.atMs, nodeId, phase, attempt });
  }
  for (const warning of event.warnings ?? []) draft.warn(warning);
  const { media } = draft.job;
  if (media !== undefined && event.expansion !== undefined) expand(draft, media, event.expansion);
  promote(draft);
  endIfDone(draft);
}

/** The job before anything of the new plan begins. */
function restarted(
  job: JobState,
  event: RetryRequested,
  kept: ReadonlyMap<string, NodeRecord>,
): JobState {
  const { media, startedAtMs, failure: _failure, endedAtMs: _endedAtMs, ...rest } = job;
  const records = new Map(job.nodes.map((record) => [record.id, record]));
  const nodes = event.plan.nodes.map(
    (node) => kept.get(node.id) ?? waitingRecord(node, records.get(node.id)),
  );
  const hasBegun = nodes.some(({ attempt }) => attempt > 0);
  return {
    ...rest,
    plan: event.plan,
    phase: hasBegun ? 'running' : 'queued',
    ...(hasBegun && startedAtMs !== undefined && { startedAtMs }),
    ...(isMediaKept(job, event) && media !== undefined && { media }),
    warnings: job.warnings.filter((warning) => isAbout(warning, kept)),
    nodes,
  };
}

function waitingRecord(node: PlannedNode, before: NodeRecord | undefined): NodeRecord {
  const attempt = before?.attempt ?? 0;
  return {
    id: node.id,
    phase: 'waiting',
    attempt,
    ...(attempt > 0 && { excusedCount: attempt }),
    estimate: node.estimate,
    artifacts: [],
  };
}

function isAbout({ nodeId }: JobWarning, nodes: ReadonlyMap<string, NodeRecord>): boolean {
  return nodeId !== undefined && nodes.has(nodeId);
}
