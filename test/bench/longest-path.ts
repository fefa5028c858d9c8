import { assert, required } from '../../src/base/assert.ts';
import { dependentsOf } from '../../src/graph/reach.ts';
import type { GraphNode } from '../../src/graph/graph-node.ts';
import { topologicalOrder } from '../../src/graph/topological-order.ts';

/**
 * Node id → weight of the heaviest path from the node (included) to an end of the graph. The graph has
 * no cycle; weights are ≥ 0.
 */
export function longestRemainingPaths(
  nodes: readonly GraphNode[],
  weightOf: (id: string) => number,
): ReadonlyMap<string, number> {
  const order = topologicalOrder(nodes);
  assert(order.ok, 'the graph has a cycle');
  const dependents = dependentsOf(nodes);
  const paths = new Map<string, number>();
  for (const id of order.value.toReversed()) {
    let heaviest = 0;
    for (const dependent of required(dependents.get(id), `dependents of ${id}`)) {
      heaviest = Math.max(heaviest, required(paths.get(dependent), `path of ${dependent}`));
    }
    paths.set(id, weightOf(id) + heaviest);
  }
  return paths;
}
