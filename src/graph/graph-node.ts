/** A vertex with the edges that lead into it: all that the functions of this folder read. */
export interface GraphNode {
  readonly id: string;
  /** Ids of the nodes that have to end first. Ids that no node has are ignored. */
  readonly needs: readonly string[];
}

/** The nodes by id, in the order given; of two nodes with one id the last wins. */
export function nodesById<Node extends GraphNode>(
  nodes: readonly Node[],
): ReadonlyMap<string, Node> {
  return new Map(nodes.map((node) => [node.id, node]));
}
