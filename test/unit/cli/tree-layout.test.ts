import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layoutTree, type LayoutNode } from '../../../src/cli/tree-layout.ts';

/** `a`, `b: a` and `c: a b` as nodes. */
function graph(...lines: string[]): LayoutNode[] {
  return lines.map((line) => {
    const [id = '', needs = ''] = line.split(':');
    return { id: id.trim(), needs: needs.trim() === '' ? [] : needs.trim().split(' ') };
  });
}

function draw(nodes: readonly LayoutNode[]): string[] {
  return layoutTree(nodes, { unicode: true }).map(
    ({ branch, id, alsoNeeds }) => `${branch}${id}${alsoNeeds.map((need) => ` +${need}`).join('')}`,
  );
}

describe('the tree of a graph', () => {
  test('draws forks, last children and the lines that pass by', () => {
    expect(draw(graph('a', 'b: a', 'c: b', 'd: b', 'e: a'))).toEqual([
      'a',
      '├─ b',
      '│  ├─ c',
      '│  └─ d',
      '└─ e',
    ]);
  });

  test('hangs a node below its deepest need, and names the others', () => {
    expect(draw(graph('a', 'b: a', 'c: a', 'd: b', 'e: c d'))).toEqual([
      'a',
      '├─ b',
      '│  └─ d',
      '│     └─ e +c',
      '└─ c',
    ]);
  });

  test('keeps several roots apart', () => {
    expect(draw(graph('a', 'b', 'c: a b'))).toEqual(['a', 'b', '└─ c +a']);
  });

  test('shows every node of any graph exactly once, below one of its needs', () => {
    const graphs = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 40 }).map((rows) =>
      rows.map((picks, index): LayoutNode => {
        const needs = index === 0 ? [] : picks.map((pick) => `n${pick % index}`);
        return { id: `n${index}`, needs: [...new Set(needs)] };
      }),
    );
    fc.assert(
      fc.property(graphs, (nodes) => {
        const rows = layoutTree(nodes, { unicode: false });
        expect(rows.map((row) => row.id).sort()).toEqual(nodes.map((node) => node.id).sort());
        for (const row of rows) {
          const { needs } = nodes.find((node) => node.id === row.id)!;
          expect(row.alsoNeeds).toHaveLength(Math.max(0, needs.length - 1));
        }
      }),
    );
  });
});
