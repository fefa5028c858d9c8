import { nodesById } from './graph-node.ts';
import type { GraphNode } from './graph-node.ts';

/** Node id → ids of the nodes that need it directly, in the given order; an entry for every node. */
export function dependentsOf(nodes: readonly GraphNode[]): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const node of nodes) {
    for (const need of new Set(node.needs)) dependents.get(need)?.push(node.id);
  }
  return dependents;
}

/**
 * Everything that a node needs, directly or through others: id → number of edges on the shortest way
 * (1 for a direct need), nearest first. The node itself is left out, also when it lies on a cycle.
 */
export function ancestorDistances(
  nodes: readonly GraphNode[],
  id: string,
): ReadonlyMap<string, number> {
  return distancesIn(nodesById(nodes), id);
}

/** {@link ancestorDistances} over nodes that are indexed already; for callers that ask many times. */
export function distancesIn(
  byId: ReadonlyMap<string, GraphNode>,
  id: string,
): ReadonlyMap<string, number> {
  const distances = new Map([[id, 0]]);
  // Iterating a map visits entries added on the way, in insertion order: a breadth-first queue.
  for (const [current, distance] of distances) {
    for (const need of byId.get(current)?.needs ?? []) {
      if (!distances.has(need) && byId.has(need)) distances.set(need, distance + 1);
    }
  }
  distances.delete(id);
  return distances;
}
