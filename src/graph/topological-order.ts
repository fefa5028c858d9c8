import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { nodesById } from './graph-node.ts';
import type { GraphNode } from './graph-node.ts';

/** A node on the way down the needs, with how many of them were followed already. */
interface Visit {
  readonly node: GraphNode;
  needsFollowed: number;
}

/**
 * Ids so that every node comes after all it needs; where the needs leave a choice, the given order is
 * kept. A graph that is in order already comes back as it is. Fails with a cycle: ids along the needs,
 * the first one repeated at the end (`['a', 'b', 'a']`: a needs b, b needs a).
 */
export function topologicalOrder(
  nodes: readonly GraphNode[],
): Result<readonly string[], readonly string[]> {
  const byId = nodesById(nodes);
  const done = new Set<string>();
  for (const root of nodes) {
    const cycle = finishWithNeeds(root, byId, done);
    if (cycle !== undefined) return err(cycle);
  }
  return ok([...done]);
}

/** A cycle of the graph as {@link topologicalOrder} reports it, or undefined. */
export function findCycle(nodes: readonly GraphNode[]): readonly string[] | undefined {
  const order = topologicalOrder(nodes);
  return order.ok ? undefined : order.error;
}

/** Depth-first over the needs with a stack of its own, as a chain may be longer than the call stack. */
function finishWithNeeds(
  root: GraphNode,
  byId: ReadonlyMap<string, GraphNode>,
  done: Set<string>,
): readonly string[] | undefined {
  if (done.has(root.id)) return undefined;
  const path: Visit[] = [{ node: root, needsFollowed: 0 }];
  const onPath = new Set([root.id]);
  let visit = path.at(-1);
  while (visit !== undefined) {
    const { node } = visit;
    const need = node.needs[visit.needsFollowed];
    visit.needsFollowed += 1;
    if (need === undefined) {
      done.add(node.id);
      onPath.delete(node.id);
      path.pop();
    } else if (onPath.has(need)) {
      return cycleFrom(path, need);
    } else {
      const next = done.has(need) ? undefined : byId.get(need);
      if (next !== undefined) path.push({ node: next, needsFollowed: 0 });
      if (next !== undefined) onPath.add(need);
    }
    visit = path.at(-1);
  }
  return undefined;
}

function cycleFrom(path: readonly Visit[], first: string): readonly string[] {
  const ids = path.map(({ node }) => node.id);
  return [...ids.slice(ids.indexOf(first)), first];
}
