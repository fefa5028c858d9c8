import { required } from '../base/assert.ts';
import type { Expansion, Plan, PlannedNode } from '../pipeline/plan.ts';
import { isSameWork } from '../pipeline/same-work.ts';
import type { JobState, JobWarning, NodeRecord } from './job-state.ts';
import { graphOf } from './plan-graph.ts';

/** How an ended job is to go on. */
export interface RetryRequest {
  /** Its plan from now on, at least one node; it may have other nodes than the one before. */
  readonly plan: Plan;
  /** Nodes of that plan that run again whatever became of them. */
  readonly nodeIds?: readonly string[];
  /** What the known media settles about the plan; absent when the source is to be probed again. */
  readonly expansion?: Expansion;
  /** What the uploader should know about the retry itself. */
  readonly warnings?: readonly JobWarning[];
}

/**
 * The nodes of the new plan that a retry leaves as they are, with their records: all that succeeded or
 * were skipped, do the same work as before and need nothing that runs again. Everything else waits
 * anew. A node with a condition is kept only while the media that decided on it is.
 */
export function keptNodes(job: JobState, request: RetryRequest): ReadonlyMap<string, NodeRecord> {
  const { plan, nodeIds = [] } = request;
  const before = graphOf(job.plan);
  const again = new Set(nodeIds);
  const isDecided = isMediaKept(job, request);
  const kept = new Map<string, NodeRecord>();
  for (const index of graphOf(plan).order) {
    const node = required(plan.nodes[index], `node ${index}`);
    const at = before.indexOf.get(node.id);
    if (at === undefined || again.has(node.id)) continue;
    const record = required(job.nodes[at], `record ${at}`);
    const isKept =
      (record.phase === 'succeeded' || record.phase === 'skipped') &&
      (isDecided || node.when === undefined) &&
      node.needs.every((need) => kept.has(need)) &&
      isSameWork(node, required(before.nodes[at], `planned node ${at}`));
    if (isKept) kept.set(node.id, record);
  }
  return kept;
}

/** Whether a retry goes on with the media that the job knows. */
export function isMediaKept({ media }: JobState, { expansion }: RetryRequest): boolean {
  return media !== undefined && expansion !== undefined;
}

/** Whether an ended job is complete by the new plan: a retry would change nothing. */
export function isNothingToRetry(job: JobState, request: RetryRequest): boolean {
  if (job.phase !== 'succeeded') return false;
  return keptNodes(job, request).size === request.plan.nodes.length;
}

/**
 * The nodes that a retry has to run again because files of theirs are gone: those whose missing product
 * the uploader would lack, and those whose missing output another node is about to read. Together with
 * `request.nodeIds`, without repetition. A missing intermediate that nobody reads any more is fine.
 *
 * `isMissing` says of an artifact's path whether its file is gone.
 */
export function withMissing(
  job: JobState,
  request: RetryRequest,
  isMissing: (path: string) => boolean,
): readonly string[] {
  const again = new Set(request.nodeIds);
  for (;;) {
    const kept = keptNodes(job, { ...request, nodeIds: [...again] });
    const found = [...kept.values()].filter((record) =>
      record.artifacts.some(
        ({ path, product, role }) =>
          isMissing(path) && (product || isRead(request.plan, kept, { id: record.id, role })),
      ),
    );
    if (found.length === 0) return [...again];
    for (const { id } of found) again.add(id);
  }
}

/** Whether a node that is not kept reads outputs of this role from a node. */
function isRead(
  { nodes }: Plan,
  kept: ReadonlyMap<string, NodeRecord>,
  output: { readonly id: string; readonly role: string },
): boolean {
  return nodes.some((node) => !kept.has(node.id) && reads(node, output));
}

function reads(
  { inputs }: PlannedNode,
  { id, role }: { readonly id: string; readonly role: string },
): boolean {
  return inputs.some((input) => input.role === role && input.from.includes(id));
}
