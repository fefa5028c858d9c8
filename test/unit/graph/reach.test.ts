import { describe, expect, test } from 'vitest';
import { ancestorDistances, dependentsOf } from '../../../src/graph/reach.ts';
import { chain, graphOf } from './graph-text.ts';

describe('dependents', () => {
  test('are listed for every node, in the given order', () => {
    expect([...dependentsOf(graphOf('a; c:a; b:a,c; d'))]).toEqual([
      ['a', ['c', 'b']],
      ['c', ['b']],
      ['b', []],
      ['d', []],
    ]);
  });

  test('are listed once when a need is given twice', () => {
    expect(dependentsOf(graphOf('a; b:a,a')).get('a')).toEqual(['b']);
  });

  test('leave out needs that no node has', () => {
    expect([...dependentsOf(graphOf('a:nobody'))]).toEqual([['a', []]]);
  });
});

describe('ancestors', () => {
  test('come with the number of edges on the shortest way, nearest first', () => {
    const distances = ancestorDistances(graphOf('a; b:a; c:b; d:c,a'), 'd');
    expect([...distances]).toEqual([
      ['c', 1],
      ['a', 1],
      ['b', 2],
    ]);
  });

  test('leave out the node itself, also on a cycle', () => {
    expect([...ancestorDistances(graphOf('a:b; b:a'), 'a')]).toEqual([['b', 1]]);
  });

  test('leave out needs that no node has', () => {
    expect(ancestorDistances(graphOf('a:nobody'), 'a').size).toBe(0);
  });

  test('of a node that is not there are none', () => {
    expect(ancestorDistances(graphOf('a'), 'nobody').size).toBe(0);
  });

  test('are found at the end of a long chain', () => {
    const distances = ancestorDistances(chain(50_000), 'n49999');
    expect(distances.get('n0')).toBe(49_999);
  });
});
