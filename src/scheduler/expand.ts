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
    const skipReason = entryOf(skipped, id);
    const estimate = entryOf(estimates, id);
    if (isTerminalNode(phase)) continue;
    if (skipReason !== undefined && phase !== 'running') {
      draft.endNode(index, 'skipped', { skipReason });
    } else if (estimate !== undefined) {
      draft.replace(index, { ...draft.record(index), estimate });
    }
  }
}

/** What a record says of a node. A node may be called `constructor`, which every object has. */
function entryOf<Value>(record: Readonly<Record<string, Value>>, id: string): Value | undefined {
  return Object.hasOwn(record, id) ? record[id] : undefined;
}
