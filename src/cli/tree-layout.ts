/** A node and what it needs: all that a layout asks for. */
export interface LayoutNode {
  readonly id: string;
  readonly needs: readonly string[];
}

/** A row of a tree drawing, in drawing order. */
export interface TreeRow {
  readonly id: string;
  /** The lines that lead to the node, e.g. `│  ├─ `; empty for a root. */
  readonly branch: string;
  /** The needs that the drawing does not show, because a node hangs below one need only. */
  readonly alsoNeeds: readonly string[];
}

/** The line pieces of a tree, each three columns wide. */
interface Branches {
  readonly fork: string;
  readonly last: string;
  readonly pass: string;
  readonly blank: string;
}

const unicodeBranches: Branches = { fork: '├─ ', last: '└─ ', pass: '│  ', blank: '   ' };
const asciiBranches: Branches = { fork: '|- ', last: '`- ', pass: '|  ', blank: '   ' };

/**
 * Lays a graph without cycles out as a tree. Each node hangs below the need that is farthest from a
 * root, as that one usually ends last; of equally far ones below the last in the given order.
 * Siblings keep the given order, so that the drawing never changes while a job runs.
 */
export function layoutTree(
  nodes: readonly LayoutNode[],
  options: { readonly unicode: boolean },
): readonly TreeRow[] {
  const parents = parentsOf(nodes);
  const children = new Map<string | undefined, LayoutNode[]>();
  for (const node of nodes) {
    const parent = parents.get(node.id);
    children.set(parent, [...(children.get(parent) ?? []), node]);
  }
  const branches = options.unicode ? unicodeBranches : asciiBranches;
  return drawRows(children, parents, branches);
}

interface PendingRow {
  readonly node: LayoutNode;
  readonly branch: string;
  /** What its children's lines begin with. */
  readonly indent: string;
}

/** Depth first with a stack of its own: the graph comes from a user, so no recursion. */
function drawRows(
  children: ReadonlyMap<string | undefined, readonly LayoutNode[]>,
  parents: ReadonlyMap<string, string | undefined>,
  branches: Branches,
): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  const roots = children.get(undefined) ?? [];
  const stack: PendingRow[] = roots.map((node) => ({ node, branch: '', indent: '' })).toReversed();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, branch, indent } = next;
    const parent = parents.get(node.id);
    rows.push({ id: node.id, branch, alsoNeeds: node.needs.filter((need) => need !== parent) });
    const own = children.get(node.id) ?? [];
    const below = own.map((child, index): PendingRow => {
      const isLast = index === own.length - 1;
      return {
        node: child,
        branch: indent + (isLast ? branches.last : branches.fork),
        indent: indent + (isLast ? branches.blank : branches.pass),
      };
    });
    stack.push(...below.toReversed());
  }
  return rows;
}

function parentsOf(nodes: readonly LayoutNode[]): ReadonlyMap<string, string | undefined> {
  const depths = depthsOf(nodes);
  return new Map(
    nodes.map((node) => {
      const known = nodes.filter((other) => node.needs.includes(other.id));
      const parent = known.reduce<LayoutNode | undefined>(
        (best, need) =>
          best === undefined || (depths.get(need.id) ?? 0) >= (depths.get(best.id) ?? 0)
            ? need
            : best,
        undefined,
      );
      return [node.id, parent?.id];
    }),
  );
}

/** Node id → nodes on the longest way from a root to it. Ends after as many rounds as nodes at most. */
function depthsOf(nodes: readonly LayoutNode[]): ReadonlyMap<string, number> {
  const depths = new Map(nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    let hasChanged = false;
    for (const node of nodes) {
      const depth = Math.max(0, ...node.needs.map((need) => (depths.get(need) ?? -1) + 1));
      if (depth !== depths.get(node.id)) {
        depths.set(node.id, depth);
        hasChanged = true;
      }
    }
    if (!hasChanged) break;
  }
  return depths;
}
