import type { GraphNode } from '../../../src/graph/graph-node.ts';

/** A graph from a small text: `a; b:a; c:a,b` has three nodes; needs stand behind the colon. */
export function graphOf(text: string): readonly GraphNode[] {
  return text
    .split(';')
    .map((part) => part.trim().split(':'))
    .map(([id = '', needs = '']) => ({
      id,
      needs: needs.split(',').filter((need) => need !== ''),
    }));
}

/** `n0`, `n1` that needs `n0`, and so on. */
export function chain(length: number): readonly GraphNode[] {
  return Array.from({ length }, (_, index) => ({
    id: `n${index}`,
    needs: index === 0 ? [] : [`n${index - 1}`],
  }));
}
