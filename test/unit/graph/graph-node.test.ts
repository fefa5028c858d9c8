import { describe, expect, test } from 'vitest';
import { nodesById } from '../../../src/graph/graph-node.ts';

describe('the nodes by id', () => {
  test('come in the order given, with all that they are', () => {
    const nodes = [
      { id: 'b', needs: [], kind: 'merge' },
      { id: 'a', needs: ['b'], kind: 'publish' },
    ];
    expect([...nodesById(nodes)]).toEqual([
      ['b', nodes[0]],
      ['a', nodes[1]],
    ]);
  });

  test('keep the last of two with one id', () => {
    const nodes = [
      { id: 'a', needs: [] },
      { id: 'a', needs: ['b'] },
    ];
    expect(nodesById(nodes).get('a')).toBe(nodes[1]);
  });
});
