import type { MediaProbe } from '../graph/media-probe.ts';
import type { Expansion } from '../pipeline/plan.ts';
import type { Draft } from './draft.ts';
import { isTerminalNode } from './job-state.ts';

/**
 * Applies what the probe settled: nodes whose condition does not hold are skipped unless they run
 * already, and the estimates of all that have not ended are replaced. An offer that was made before
 * stands as it is: a worker may have taken it in this moment, and estimates only order starts.
 */
export function expand(draft: Draft, media: MediaProbe, { skipped, estimates }: Expansion): void {
  draft.changeJob({ media });
  for (const index of draft.nodes.keys()) {
    const { id, phase } = draft.record(index);
    const skipReason = skipped[id];
    if (isTerminalNode(phase)) continue;
    if (skipReason !== undefined && phase !== 'running') {
      draft.endNode(index, 'skipped', { skipReason });
    } else if (estimates[id] !== undefined) {
      draft.replace(index, { ...draft.record(index), estimate: estimates[id] });
    }
  }
}
