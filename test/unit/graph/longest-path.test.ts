import { describe, expect, test } from 'vitest';
import { longestRemainingPaths } from '../../bench/longest-path.ts';
import { chain, graphOf } from './graph-text.ts';

describe('the longest remaining path', () => {
  test('is the heaviest way to an end, the node itself included', () => {
    const weights: Record<string, number> = { a: 1, b: 10, c: 2, d: 5 };
    const paths = longestRemainingPaths(graphOf('a; b:a; c:a; d:b,c'), (id) => weights[id] ?? 0);
    expect(Object.fromEntries(paths)).toEqual({ a: 16, b: 15, c: 7, d: 5 });
  });

  test('of an end is its own weight', () => {
    expect(longestRemainingPaths(graphOf('a'), () => 3).get('a')).toBe(3);
  });

  test('does not depend on the order of the nodes', () => {
    const paths = longestRemainingPaths(graphOf('c:b; b:a; a'), () => 1);
    expect(Object.fromEntries(paths)).toEqual({ a: 3, b: 2, c: 1 });
  });

  test('is found in a chain of many nodes', () => {
    expect(longestRemainingPaths(chain(50_000), () => 1).get('n0')).toBe(50_000);
  });

  test('does not exist in a cycle', () => {
    expect(() => longestRemainingPaths(graphOf('a:b; b:a'), () => 1)).toThrow('has a cycle');
  });
});
