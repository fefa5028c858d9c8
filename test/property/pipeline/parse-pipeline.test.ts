import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GraphNode } from '../../../src/graph/graph-node.ts';
import { ancestorDistances } from '../../../src/graph/reach.ts';
import { topologicalOrder } from '../../../src/graph/topological-order.ts';
import { createPlan } from '../../../src/pipeline/create-plan.ts';
import { parsePipeline } from '../../../src/pipeline/parse-pipeline.ts';
import { fakeKinds } from '../../fakes/kinds.ts';
import { acyclicGraphs, shuffled } from '../graph/graph-arbitrary.ts';

/** The same graphs, but all nodes hang on `n0`, which validates. */
const graphs = acyclicGraphs().map((nodes) =>
  nodes.map(({ id, needs }) => ({ id, needs: id !== 'n0' && needs.length === 0 ? ['n0'] : needs })),
);

function definitionOf(nodes: readonly GraphNode[]): string {
  const entries = nodes.map(({ id, needs }): [string, object] => {
    if (id === 'n0') return [id, { uses: 'validate', needs }];
    const resolution = 144 + Number(id.slice(1));
    return [id, { uses: 'transcode', needs, with: { resolution }, when: 'media.video' }];
  });
  return JSON.stringify({ name: 'generated', nodes: Object.fromEntries(entries) });
}

function parse(text: string) {
  return parsePipeline(text, 'f', fakeKinds);
}

const standard = readFileSync(new URL('../../../pipelines/standard.yaml', import.meta.url), 'utf8');

describe('every graph without a cycle', () => {
  test('makes a plan whose topological order respects the needs', () => {
    fc.assert(
      fc.property(shuffled(graphs), (nodes) => {
        const pipeline = parse(definitionOf(nodes));
        expect(pipeline).toMatchObject({ ok: true });
        const plan = pipeline.ok ? createPlan(pipeline.value, {}) : undefined;
        const planned = plan?.ok === true ? plan.value.nodes : [];
        expect(planned.map(({ id }) => id)).toEqual(nodes.map(({ id }) => id));
        const order = topologicalOrder(planned);
        const place = new Map((order.ok ? order.value : []).map((id, index) => [id, index]));
        for (const { id, needs } of planned) {
          for (const need of needs) expect(place.get(need)).toBeLessThan(place.get(id) ?? -1);
        }
      }),
    );
  });

  test('gives every node its inputs from nodes that it needs', () => {
    fc.assert(
      fc.property(shuffled(graphs), (nodes) => {
        const pipeline = parse(definitionOf(nodes));
        const plan = pipeline.ok ? createPlan(pipeline.value, {}) : undefined;
        const planned = plan?.ok === true ? plan.value.nodes : [];
        expect(planned).toHaveLength(nodes.length);
        for (const { id, inputs } of planned) {
          const ancestors = ancestorDistances(planned, id);
          for (const source of inputs.flatMap(({ from }) => from)) {
            expect(ancestors.has(source)).toBe(true);
          }
        }
      }),
    );
  });
});

test('every graph with an edge back is refused with the path of a real cycle', () => {
  fc.assert(
    fc.property(graphs, fc.nat(), (nodes, choice) => {
      fc.pre(nodes.length > 1);
      const last = nodes.at(-1)?.id ?? '';
      const ancestors = [...ancestorDistances(nodes, last).keys()];
      fc.pre(ancestors.length > 0);
      const back = ancestors[choice % ancestors.length];
      const looped = nodes.map((node) =>
        node.id === back ? { id: node.id, needs: [...node.needs, last] } : node,
      );
      const parsed = parse(definitionOf(looped));
      const messages = parsed.ok ? [] : parsed.error.map(({ message }) => message);
      const cycles = messages.flatMap((message) => /circle: `(.*)`/.exec(message)?.[1] ?? []);
      expect(cycles.length).toBeGreaterThan(0);
      for (const cycle of cycles) {
        const path = cycle.split(' → ');
        expect(path.at(0)).toBe(path.at(-1));
        path.slice(1).forEach((need, index) => {
          const node = looped.find(({ id }) => id === path[index]);
          expect(node?.needs).toContain(need);
        });
      }
    }),
  );
});

describe('the parser never throws', () => {
  function expectSound(text: string): void {
    const parsed = parse(text);
    if (parsed.ok) {
      createPlan(parsed.value, {});
      return;
    }
    expect(parsed.error.length).toBeGreaterThan(0);
    const lines = text.split('\n');
    for (const { line, column, message, hint } of parsed.error) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(lines.length);
      expect(column).toBeGreaterThanOrEqual(1);
      expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
      expect(message).not.toMatch(/\.$/);
      expect(hint).toMatch(/[.?]$/);
    }
  }

  test('on any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 200 })),
        expectSound,
      ),
      { numRuns: 500 },
    );
  });

  test('on any value written as JSON', () => {
    fc.assert(fc.property(fc.json(), expectSound), { numRuns: 300 });
  });

  test('on pieces of YAML in any order', () => {
    const pieces = fc.constantFrom(
      ...['name: x', 'nodes:', '  a:', '    uses: validate', '    needs: [a]', 'a: &a [*a]'],
      ...['- ', '? ', ': ', '{', '}', '[', ']', ', ', '"', "'", '|', '>', '&a ', '*a', '!!set '],
      ...['\n', '\n  ', '\t', '#', '---\n', '...\n', '%YAML 1.1\n', '<<: *a', '\uFEFF', '\r', '\0'],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => expectSound(parts.join(''))),
      { numRuns: 1000 },
    );
  });

  test('on the standard pipeline with a piece changed, doubled or taken away', () => {
    const edits = fc.record({
      start: fc.nat(standard.length),
      removed: fc.nat(40),
      inserted: fc.oneof(
        fc.constantFrom('', ' ', '\n', ':', '- ', '&a', '*a', '${{ params.x }}', '720', 'null'),
        fc
          .tuple(fc.nat(standard.length), fc.nat(60))
          .map(([from, length]) => standard.slice(from, from + length)),
        fc.string({ maxLength: 5 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(edits, { minLength: 1, maxLength: 4 }), (changes) => {
        let text = standard;
        for (const { start, removed, inserted } of changes) {
          text = text.slice(0, start) + inserted + text.slice(start + removed);
        }
        expectSound(text);
      }),
      { numRuns: 1000 },
    );
  });
});
