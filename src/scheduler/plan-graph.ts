import { assert, required } from '../base/assert.ts';
import { dependentsOf } from '../graph/reach.ts';
import { topologicalOrder } from '../graph/topological-order.ts';
import type { Plan, PlannedNode } from '../pipeline/plan.ts';

/** A plan's edges by position: `needs[i]` are the positions of what `plan.nodes[i]` needs. */
export interface PlanGraph {
  readonly nodes: readonly PlannedNode[];
  /** Node id → its position in the plan (and in the job's records). */
  readonly indexOf: ReadonlyMap<string, number>;
  readonly needs: readonly (readonly number[])[];
  readonly dependents: readonly (readonly number[])[];
  /** Positions so that each comes after all it needs. */
  readonly order: readonly number[];
}

/** Remembers the graph of a plan, which is immutable; an entry goes away with its plan. */
const graphs = new WeakMap<Plan, PlanGraph>();

/** The edges of a plan. The plan was validated: a cycle or a need that no node has is a bug. */
export function graphOf(plan: Plan): PlanGraph {
  const known = graphs.get(plan);
  if (known !== undefined) return known;
  const graph = buildGraph(plan);
  graphs.set(plan, graph);
  return graph;
}

function buildGraph({ pipeline, nodes }: Plan): PlanGraph {
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]));
  const toIndex = (id: string): number => required(indexOf.get(id), `node ${id} of ${pipeline}`);
  const order = topologicalOrder(nodes);
  assert(order.ok, `the pipeline ${pipeline} has a cycle`);
  const dependents = dependentsOf(nodes);
  return {
    nodes,
    indexOf,
    needs: nodes.map((node) => node.needs.map(toIndex)),
    dependents: nodes.map((node) => (dependents.get(node.id) ?? []).map(toIndex)),
    order: order.value.map(toIndex),
  };
}
