import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GraphNode } from '../../../src/graph/graph-node.ts';
import { longestRemainingPaths } from '../../bench/longest-path.ts';
import { ancestorDistances, dependentsOf } from '../../../src/graph/reach.ts';
import { findCycle, topologicalOrder } from '../../../src/graph/topological-order.ts';
import { acyclicGraphs, shuffled } from './graph-arbitrary.ts';

function needsOf(nodes: readonly GraphNode[], id: string): readonly string[] {
  return nodes.find((node) => node.id === id)?.needs ?? [];
}

const weights = fc.array(fc.nat(100), { minLength: 30, maxLength: 30 });

describe('every graph without a cycle', () => {
  test('has an order that holds each node once, after all it needs', () => {
    fc.assert(
      fc.property(shuffled(acyclicGraphs()), (nodes) => {
        const order = topologicalOrder(nodes);
        const ids = order.ok ? order.value : [];
        expect(ids.toSorted()).toEqual(nodes.map(({ id }) => id).toSorted());
        const place = new Map(ids.map((id, index) => [id, index]));
        for (const { id, needs } of nodes) {
          for (const need of needs) expect(place.get(need)).toBeLessThan(place.get(id) ?? -1);
        }
      }),
    );
  });

  test('has dependents that are its needs turned around', () => {
    fc.assert(
      fc.property(shuffled(acyclicGraphs()), (nodes) => {
        const dependents = dependentsOf(nodes);
        for (const { id } of nodes) {
          for (const other of nodes) {
            expect(dependents.get(id)?.includes(other.id)).toBe(other.needs.includes(id));
          }
        }
      }),
    );
  });

  test('has distances that grow by one along the nearest need', () => {
    fc.assert(
      fc.property(shuffled(acyclicGraphs()), (nodes) => {
        const id = nodes[0]?.id ?? '';
        const distances = ancestorDistances(nodes, id);
        for (const [ancestor, distance] of distances) {
          const nearer = [id, ...distances.keys()].filter((other) =>
            needsOf(nodes, other).includes(ancestor),
          );
          const least = Math.min(...nearer.map((other) => distances.get(other) ?? 0));
          expect(distance).toBe(least + 1);
        }
      }),
    );
  });

  test('has remaining paths that are a weight more than the heaviest of the dependents', () => {
    fc.assert(
      fc.property(shuffled(acyclicGraphs()), weights, (nodes, given) => {
        const weightById = new Map(nodes.map(({ id }, index) => [id, given[index] ?? 0]));
        const weightOf = (id: string) => weightById.get(id) ?? 0;
        const paths = longestRemainingPaths(nodes, weightOf);
        for (const { id } of nodes) {
          const after = nodes.filter(({ needs }) => needs.includes(id));
          const heaviest = Math.max(0, ...after.map((node) => paths.get(node.id) ?? 0));
          expect(paths.get(id)).toBe(weightOf(id) + heaviest);
        }
      }),
    );
  });
});

describe('every graph with an edge back', () => {
  test('is refused with a path that really is a cycle', () => {
    fc.assert(
      fc.property(
        acyclicGraphs().filter((nodes) => nodes.length > 1),
        fc.nat(),
        (nodes, choice) => {
          const last = nodes.at(-1);
          const ancestors = [...ancestorDistances(nodes, last?.id ?? '').keys()];
          fc.pre(ancestors.length > 0);
          const back = ancestors[choice % ancestors.length];
          const looped = nodes.map((node) =>
            node.id === back ? { ...node, needs: [...node.needs, last?.id ?? ''] } : node,
          );
          const cycle = findCycle(looped) ?? [];
          expect(cycle.length).toBeGreaterThan(2);
          expect(cycle.at(0)).toBe(cycle.at(-1));
          expect(new Set(cycle).size).toBe(cycle.length - 1);
          cycle.slice(1).forEach((need, index) => {
            expect(needsOf(looped, cycle[index] ?? '')).toContain(need);
          });
        },
      ),
    );
  });
});
