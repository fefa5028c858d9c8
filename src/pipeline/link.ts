import { nodesById } from '../graph/graph-node.ts';
import type { MediaRole } from '../graph/media-role.ts';
import { distancesIn } from '../graph/reach.ts';
import type { InputSpec, KindSpec, OutputSpec } from './kind-spec.ts';
import type { PlannedInput } from './plan.ts';

/** A node as far as its inputs and outputs go. */
export interface LinkableNode {
  readonly id: string;
  readonly needs: readonly string[];
  /** Undefined when it is not known; then nothing is said of the node. */
  readonly kind: KindSpec | undefined;
  /** What it makes; undefined when that is not known, and then nothing is said of its dependents. */
  readonly outputs: readonly OutputSpec[] | undefined;
  readonly hasCondition: boolean;
}

/** Why nodes do not fit together. `nodeId` is the one to change. */
export type LinkFault =
  | {
      readonly type: 'no-provider';
      readonly nodeId: string;
      readonly role: MediaRole;
      /** Nodes that make the role and could be needed without a cycle; the first few. */
      readonly candidates: readonly string[];
    }
  | {
      readonly type: 'ambiguous';
      readonly nodeId: string;
      readonly role: MediaRole;
      readonly providers: readonly string[];
    }
  | {
      readonly type: 'same-product';
      readonly nodeId: string;
      readonly otherId: string;
      readonly name: string;
    }
  /** Two nodes probe the source; a job has one probe. */
  | { readonly type: 'second-source'; readonly nodeId: string; readonly otherId: string }
  /** A condition on a source that nothing before the node has probed. */
  | { readonly type: 'early-condition'; readonly nodeId: string };

/** The inputs of every node, and what does not fit. */
export interface Links {
  /** Node id → one entry per input of its kind; for nodes without faults. */
  readonly inputs: ReadonlyMap<string, readonly PlannedInput[]>;
  readonly faults: readonly LinkFault[];
}

/**
 * Finds for each input of each node where it comes from: the nearest node of that role among all it
 * needs, counting edges; for `every` all of them, in the order given.
 */
export function linkNodes(nodes: readonly LinkableNode[]): Links {
  const byId = nodesById(nodes);
  const faults = [...productFaults(nodes), ...sourceFaults(nodes)];
  const inputs = new Map<string, readonly PlannedInput[]>();
  for (const node of nodes) {
    const distances = distancesIn(byId, node.id);
    const ancestors = nodes.filter(({ id }) => distances.has(id));
    if (node.kind === undefined || ![node, ...ancestors].every((one) => isKnown(one, byId)))
      continue;
    if (node.hasCondition && providersOf('source', ancestors).length === 0) {
      faults.push({ type: 'early-condition', nodeId: node.id });
    }
    const planned: PlannedInput[] = [];
    for (const { role, take } of node.kind.inputs) {
      const from = providersFor({ role, take }, { ancestors, distances });
      planned.push({ role, take, from });
      if (take === 'every') continue;
      if (from.length > 1) {
        faults.push({ type: 'ambiguous', nodeId: node.id, role, providers: from });
      } else if (from.length === 0 && take === 'one') {
        const candidates = candidatesFor(role, node.id, byId);
        faults.push({ type: 'no-provider', nodeId: node.id, role, candidates });
      }
    }
    inputs.set(node.id, planned);
  }
  return { inputs, faults };
}

function isKnown(node: LinkableNode, byId: ReadonlyMap<string, LinkableNode>): boolean {
  return node.outputs !== undefined && node.needs.every((need) => byId.has(need));
}

interface Reach {
  /** In the order given. */
  readonly ancestors: readonly LinkableNode[];
  readonly distances: ReadonlyMap<string, number>;
}

/** All providers for `every`; for the others the nearest ones, of which one is fine. */
function providersFor(
  { role, take }: InputSpec,
  { ancestors, distances }: Reach,
): readonly string[] {
  const providers = providersOf(role, ancestors);
  if (take === 'every') return providers;
  const distanceOf = (id: string) => distances.get(id) ?? Infinity;
  const nearest = providers.reduce((least, id) => Math.min(least, distanceOf(id)), Infinity);
  return providers.filter((id) => distanceOf(id) === nearest);
}

/** A hint names no more nodes than these. */
const candidatesMax = 3;

function candidatesFor(
  role: MediaRole,
  nodeId: string,
  byId: ReadonlyMap<string, LinkableNode>,
): readonly string[] {
  return providersOf(role, [...byId.values()])
    .slice(0, candidatesMax)
    .filter((id) => id !== nodeId && !distancesIn(byId, id).has(nodeId));
}

function providersOf(role: MediaRole, nodes: readonly LinkableNode[]): readonly string[] {
  return nodes
    .filter(({ outputs }) => outputs?.some((output) => output.role === role))
    .map(({ id }) => id);
}

function productFaults(nodes: readonly LinkableNode[]): LinkFault[] {
  const makers = new Map<string, string>();
  const faults: LinkFault[] = [];
  for (const { id, outputs } of nodes) {
    for (const { name, product } of outputs ?? []) {
      const otherId = makers.get(name);
      if (product && otherId !== undefined) {
        faults.push({ type: 'same-product', nodeId: id, otherId, name });
      } else if (product) makers.set(name, id);
    }
  }
  return faults;
}

function sourceFaults(nodes: readonly LinkableNode[]): LinkFault[] {
  const [first, ...others] = providersOf('source', nodes);
  return others.map((nodeId) => ({ type: 'second-source', nodeId, otherId: first ?? nodeId }));
}
