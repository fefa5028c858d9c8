import { describe, expect, test } from 'vitest';
import { graphOf } from '../../../src/scheduler/plan-graph.ts';
import { planOf } from '../../fakes/plans.ts';

describe('the graph of a plan', () => {
  test('has edges and an order by position', () => {
    const plan = planOf('d:b,c; c:a; b:a; a');
    const { indexOf, needs, dependents, order, nodes } = graphOf(plan);
    expect(nodes).toBe(plan.nodes);
    expect([...indexOf]).toEqual([
      ['d', 0],
      ['c', 1],
      ['b', 2],
      ['a', 3],
    ]);
    expect(needs).toEqual([[2, 1], [3], [3], []]);
    expect(dependents).toEqual([[], [0], [0], [1, 2]]);
    expect(order).toEqual([3, 2, 1, 0]);
  });

  test('is worked out once for a plan, as it never changes', () => {
    const plan = planOf('a; b:a');
    expect(graphOf(plan)).toBe(graphOf(plan));
    expect(graphOf(planOf('a; b:a'))).not.toBe(graphOf(plan));
  });

  test('with a cycle is a bug, as plans are checked before', () => {
    expect(() => graphOf(planOf('a:b; b:a'))).toThrow(
      'Internal error: the pipeline test has a cycle',
    );
  });

  test('with a need that no node has is a bug', () => {
    expect(() => graphOf(planOf('a:nobody'))).toThrow(
      'Internal error: node nobody of test is missing',
    );
  });
});
