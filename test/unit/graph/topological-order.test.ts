import { describe, expect, test } from 'vitest';
import { findCycle, topologicalOrder } from '../../../src/graph/topological-order.ts';
import { chain, graphOf } from './graph-text.ts';

describe('the topological order', () => {
  test('keeps a graph that is in order as it is', () => {
    const order = topologicalOrder(graphOf('a; b:a; c:a; d:b,c'));
    expect(order).toEqual({ ok: true, value: ['a', 'b', 'c', 'd'] });
  });

  test('puts needs first and keeps the given order otherwise', () => {
    const order = topologicalOrder(graphOf('d:b,c; x; c:a; b:a; a'));
    expect(order).toEqual({ ok: true, value: ['a', 'b', 'c', 'd', 'x'] });
  });

  test('of no nodes is empty', () => {
    expect(topologicalOrder([])).toEqual({ ok: true, value: [] });
  });

  test('passes over needs that no node has', () => {
    expect(topologicalOrder(graphOf('a:nobody'))).toEqual({ ok: true, value: ['a'] });
  });

  test('of a chain that is longer than any call stack is found', () => {
    const order = topologicalOrder(chain(100_000).toReversed());
    expect(order.ok && order.value.slice(0, 3)).toEqual(['n0', 'n1', 'n2']);
    expect(order.ok && order.value.length).toBe(100_000);
  });
});

describe('a cycle', () => {
  test('is absent from a graph without one', () => {
    expect(findCycle(graphOf('a; b:a; c:a,b'))).toBeUndefined();
  });

  test('is named along the needs, with its first node again at the end', () => {
    expect(findCycle(graphOf('a:b; b:c; c:a'))).toEqual(['a', 'b', 'c', 'a']);
  });

  test('is named without the nodes that only lead to it', () => {
    expect(findCycle(graphOf('x:y; y:a; a:b; b:a'))).toEqual(['a', 'b', 'a']);
  });

  test('may be a node that needs itself', () => {
    expect(findCycle(graphOf('a; b:a,b'))).toEqual(['b', 'b']);
  });

  test('fails the topological order', () => {
    expect(topologicalOrder(graphOf('a:b; b:a'))).toEqual({ ok: false, error: ['a', 'b', 'a'] });
  });
});
