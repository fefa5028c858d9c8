import { required } from '../base/assert.ts';
import type { PlannedInput, PlannedNode } from '../pipeline/plan.ts';
import type { Draft } from './draft.ts';
import type { NodeRecord } from './job-state.ts';

/**
 * Makes every waiting node ready whose needs are done, or skips it where nothing is left for it to
 * work on. One walk in topological order, so a skip settles its dependents in the same walk.
 *
 * A need is done when it succeeded, was skipped, or failed as optional, **and** its own needs are done.
 * The second half matters for nodes skipped by their condition, long before what they need has ended:
 * their dependents may read artifacts through them. In an upload without pictures the merges do not
 * apply from the probe on, yet `publish`, behind them, has to wait for the captions.
 */
export function promote(draft: Draft): void {
  const isDone: boolean[] = [];
  for (const index of draft.graph.order) {
    const needs = required(draft.graph.needs[index], `needs of ${index}`);
    if (!needs.every((need) => isDone[need] === true)) continue;
    if (draft.record(index).phase === 'waiting') settleWaiting(draft, index);
    isDone[index] = satisfiesDependents(draft, index);
  }
}

function settleWaiting(draft: Draft, index: number): void {
  const skipReason = reasonToSkip(draft, index);
  if (skipReason === undefined) draft.makeReady(index, { queuedAtMs: draft.atMs });
  else draft.endNode(index, 'skipped', { skipReason });
}

/** Whether the dependents of a node may go on without it or with it. */
function satisfiesDependents(draft: Draft, index: number): boolean {
  const { phase } = draft.record(index);
  const isOptional = draft.graph.nodes[index]?.optional === true;
  return phase === 'succeeded' || phase === 'skipped' || (phase === 'failed' && isOptional);
}

/**
 * Why a node whose needs are done can't do anything, as a sentence; undefined when it runs.
 *
 * - Without an artifact for a `one` input it can't run.
 * - A node that only collects (`optional` and `every` inputs) runs with whatever is there, also with
 *   nothing: that something failed or made nothing is worth a manifest that says so. It is skipped
 *   when nothing is there *because* all it needs was skipped: then its branch does not apply.
 * - A node without inputs needs others for the order only, and runs.
 */
function reasonToSkip(draft: Draft, index: number): string | undefined {
  const node = required(draft.graph.nodes[index], `node ${index}`);
  const needed = node.inputs.find((input) => input.take === 'one' && !exists(draft, input));
  if (needed !== undefined) return reasonWithout(draft, node, needed);
  const isCollector = node.inputs.length > 0 && node.needs.length > 0;
  if (!isCollector || node.inputs.some((input) => exists(draft, input))) return undefined;
  const isBranchSkipped = node.needs.every((id) => providerOf(draft, id).phase === 'skipped');
  return isBranchSkipped
    ? `"${node.id}" has nothing to work on: all it needs was skipped.`
    : undefined;
}

function exists(draft: Draft, input: PlannedInput): boolean {
  return input.from.some((id) => {
    const { phase, artifacts } = providerOf(draft, id);
    return phase === 'succeeded' && artifacts.some(({ role }) => role === input.role);
  });
}

function reasonWithout(draft: Draft, node: PlannedNode, input: PlannedInput): string {
  const [id] = input.from;
  if (id === undefined) return `"${node.id}" needs ${input.role}, which nothing provides.`;
  const { phase } = providerOf(draft, id);
  const cause =
    phase === 'succeeded' ? 'made none' : phase === 'skipped' ? 'was skipped' : 'failed';
  return `"${node.id}" needs ${input.role} from "${id}", which ${cause}.`;
}

function providerOf(draft: Draft, id: string): NodeRecord {
  return draft.record(required(draft.graph.indexOf.get(id), `provider ${id}`));
}
