import * as fc from 'fast-check';
import type { GraphNode } from '../../../src/graph/graph-node.ts';

/** Graphs of 1–30 nodes `n0`, `n1`… in order: every node needs only earlier ones. */
export function acyclicGraphs(): fc.Arbitrary<readonly GraphNode[]> {
  return fc
    .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 30 })
    .map((choices) =>
      choices.map((needs, index) => ({
        id: `n${index}`,
        needs: index === 0 ? [] : [...new Set(needs.map((choice) => `n${choice % index}`))],
      })),
    );
}

/** The same graphs with their nodes in any order. */
export function shuffled(
  graphs: fc.Arbitrary<readonly GraphNode[]>,
): fc.Arbitrary<readonly GraphNode[]> {
  return graphs.chain((nodes) =>
    fc.shuffledSubarray([...nodes], { minLength: nodes.length, maxLength: nodes.length }),
  );
}
