import type { MediaProbe } from '../graph/media-probe.ts';
import type { Estimate } from '../resources/demand.ts';
import { whyUnmet } from './evaluate-condition.ts';
import type { KindCatalog } from './kind-spec.ts';
import type { Expansion, Plan } from './plan.ts';
import { applyOverride } from './resource-override.ts';

/**
 * What the probe of the source settles about a plan. A node whose kind is not in the catalog any more
 * (the plan is older than the service) keeps the estimate it was planned with.
 */
export function expandPlan(plan: Plan, media: MediaProbe, kinds: KindCatalog): Expansion {
  const skipped: [string, string][] = [];
  const estimates: [string, Estimate][] = [];
  for (const node of plan.nodes) {
    const reason = node.when && whyUnmet(node.when, media);
    if (reason !== undefined) {
      skipped.push([node.id, reason]);
      continue;
    }
    const estimate = kinds.get(node.kind)?.estimate(node.params, media);
    estimates.push([node.id, estimate ? applyOverride(estimate, node.resources) : node.estimate]);
  }
  return { skipped: Object.fromEntries(skipped), estimates: Object.fromEntries(estimates) };
}
