import * as fc from 'fast-check';
import type { FailureCode } from '../../../src/base/failure.ts';
import type { MediaRole } from '../../../src/graph/media-role.ts';
import type { Expansion, Plan, PlannedInput, PlannedNode } from '../../../src/pipeline/plan.ts';
import { estimateOf, nodeOf } from '../../fakes/plans.ts';

/** A plan with how each attempt of its nodes ends, if nobody interferes. */
export interface Script {
  readonly plan: Plan;
  /** Node id → the failures of its first attempts; the one after them succeeds. */
  readonly failures: ReadonlyMap<string, readonly FailureCode[]>;
  /** Node id → roles of the artifacts that it makes. */
  readonly roles: ReadonlyMap<string, readonly MediaRole[]>;
  /** What the first node finds out; it concerns none but those that need it. */
  readonly expansion: Expansion;
}

/** One node as it is drawn; positions are taken modulo what there is. */
interface Draw {
  readonly needs: readonly number[];
  readonly inputs: readonly (readonly [PlannedInput['take'], MediaRole, number])[];
  readonly optional: boolean;
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly coreSeconds: number;
  readonly failures: readonly FailureCode[];
  readonly roles: readonly MediaRole[];
  readonly isSkipped: boolean;
}

const roles = ['audio', 'video', 'image'] as const;

const transientCodes = ['timeout', 'tool', 'resource', 'storage'] as const;

/** A failure of every class. */
const codes: readonly FailureCode[] = [...transientCodes, 'corrupt', 'model_missing', 'internal'];

const draw: fc.Arbitrary<Draw> = fc.record({
  needs: fc.array(fc.nat(), { maxLength: 3 }),
  inputs: fc.array(
    fc.tuple(fc.constantFrom('one', 'optional', 'every'), fc.constantFrom(...roles), fc.nat()),
    { maxLength: 2 },
  ),
  optional: fc.boolean(),
  attemptsMax: fc.integer({ min: 1, max: 3 }),
  backoffMs: fc.constantFrom(0, 1000),
  coreSeconds: fc.integer({ min: 1, max: 50 }),
  failures: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...codes), { maxLength: 3 }) },
  ),
  roles: fc.subarray([...roles]),
  isSkipped: fc.boolean(),
});

/** Plans of 1 to 12 nodes `n0`, `n1`… in order, with any outcomes. */
export const scripts: fc.Arbitrary<Script> = fc
  .array(draw, { minLength: 1, maxLength: 12 })
  .map((draws) => scriptOf(draws));

/**
 * The same, where only optional nodes fail for good and attempts are plenty: with these, the end of
 * every node is settled by the script alone, whatever the order of events.
 */
export const harmlessScripts: fc.Arbitrary<Script> = fc
  .array(draw, { minLength: 1, maxLength: 12 })
  .map((draws) =>
    scriptOf(
      draws.map((node) => ({
        ...node,
        attemptsMax: 10,
        failures: node.optional ? node.failures : node.failures.filter(isTransient),
      })),
    ),
  );

function isTransient(code: FailureCode): boolean {
  return transientCodes.some((each) => each === code);
}

function scriptOf(draws: readonly Draw[]): Script {
  const nodes: PlannedNode[] = [];
  const ancestors = new Map<string, readonly string[]>();
  for (const node of draws) {
    const needs = pickAll(node.needs, nodes).map(({ id }) => id);
    const providers = [...new Set(needs.flatMap((id) => [id, ...(ancestors.get(id) ?? [])]))];
    const id = `n${nodes.length}`;
    ancestors.set(id, providers);
    nodes.push(
      nodeOf(id, {
        needs,
        inputs: inputsOf(node, providers),
        optional: node.optional,
        retry: { attemptsMax: node.attemptsMax, backoffMs: node.backoffMs },
        estimate: estimateOf(node.coreSeconds),
      }),
    );
  }
  const idOf = (index: number): string => `n${index}`;
  return {
    plan: { pipeline: 'random', nodes },
    failures: new Map(draws.map((node, index) => [idOf(index), node.failures])),
    roles: new Map(draws.map((node, index) => [idOf(index), node.roles])),
    expansion: {
      skipped: Object.fromEntries(
        draws.flatMap((node, index) => {
          const follows = ancestors.get(idOf(index))?.includes('n0') === true;
          return node.isSkipped && follows ? [[idOf(index), 'It does not apply.']] : [];
        }),
      ),
      estimates: {},
    },
  };
}

function inputsOf(node: Draw, providers: readonly string[]): readonly PlannedInput[] {
  if (providers.length === 0) return [];
  return node.inputs.map(([take, role, at]) => ({ take, role, from: pickAll([at], providers) }));
}

function pickAll<Value>(places: readonly number[], values: readonly Value[]): readonly Value[] {
  if (values.length === 0) return [];
  return [...new Set(places.flatMap((place) => values[place % values.length] ?? []))];
}
