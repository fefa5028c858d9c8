import type { FailureCode } from '../../src/base/failure.ts';
import { gibibyte, mebibyte } from '../../src/base/units.ts';
import type { Artifact } from '../../src/graph/artifact.ts';
import type { MediaProbe } from '../../src/graph/media-probe.ts';
import type { MediaRole } from '../../src/graph/media-role.ts';
import type { Expansion, Plan, PlannedInput, PlannedNode } from '../../src/pipeline/plan.ts';
import type { Capacity, Estimate } from '../../src/resources/demand.ts';
import { estimateOf, nodeOf } from './plans.ts';
import type { Random } from './random.ts';
import type { FakeRun } from './simulated-host.ts';

/** A plan with what each attempt of its nodes will do. */
export interface ScriptedPlan {
  readonly plan: Plan;
  /** What the first node finds out, if it is the probe. */
  readonly expansion?: Expansion;
  /** Whether every node that is not optional succeeds in the end, if nobody interferes. */
  readonly isSound: boolean;
  run(nodeId: string, attempt: number): FakeRun;
}

/** A film of ten seconds, for the probe's outcome. */
export const probe: MediaProbe = { formatName: 'mov', durationSec: 10, bytes: 1000 };

const roles: readonly MediaRole[] = ['audio', 'speech', 'video', 'image', 'captions'];

/** Failures of every class, the retried ones more often. */
const codes: readonly FailureCode[] = [
  'corrupt',
  'invalid_request',
  'model_missing',
  'internal',
  'timeout',
  'stalled',
  'tool',
  'resource',
  'storage',
  'unavailable',
];

/** A host of 1 to 16 cores. */
export function randomCapacity(random: Random): Capacity {
  return {
    cores: random.pick([1, 2, 2, 3, 4, 8, 16]),
    memoryBytes: random.pick([1, 2, 8]) * gibibyte,
    ioSlots: random.integer(1, 4),
    gpus: random.integer(0, 1),
  };
}

/** A plan of 1 to `nodesMax` nodes with random edges, inputs, demands, outcomes and conditions. */
export function randomScriptedPlan(random: Random, nodesMax: number): ScriptedPlan {
  const nodes: PlannedNode[] = [];
  const count = random.integer(1, nodesMax);
  for (let index = 0; index < count; index += 1) nodes.push(randomNode(random, nodes));
  const plan = { pipeline: 'random', nodes };
  const failures = new Map(nodes.map((node) => [node.id, randomFailures(random, node)]));
  const artifacts = new Map(nodes.map((node) => [node.id, randomArtifacts(random, node.id)]));
  const expansion = random.chance(0.5) ? randomExpansion(random, plan) : undefined;
  const workSec = new Map(nodes.map(({ id }) => [id, 0.1 + random.fraction() * 20]));
  return {
    plan,
    ...(expansion && { expansion }),
    isSound: nodes.every(
      ({ id, optional, retry }) => optional || (failures.get(id)?.length ?? 0) < retry.attemptsMax,
    ),
    run(nodeId, attempt) {
      const failure = failures.get(nodeId)?.[attempt - 1];
      const isProbe = nodeId === nodes[0]?.id && expansion !== undefined;
      return {
        workSec: workSec.get(nodeId) ?? 1,
        end:
          failure !== undefined
            ? { failure }
            : {
                artifacts: artifacts.get(nodeId) ?? [],
                warnings: [],
                ...(isProbe && { media: probe, expansion }),
              },
      };
    },
  };
}

/**
 * The plan as somebody edited it: some nodes changed, some added, some that nobody needs left out. What
 * was not touched is the same object. The first node, which may be the probe, stays as it is.
 */
export function randomEdit(random: Random, plan: Plan, name: string): Plan {
  const isNeeded = (id: string): boolean => plan.nodes.some(({ needs }) => needs.includes(id));
  const isRead = (id: string): boolean =>
    plan.nodes.some(({ inputs }) => inputs.some(({ from }) => from.includes(id)));
  const left = plan.nodes.filter(
    ({ id }, index) => index === 0 || isNeeded(id) || isRead(id) || !random.chance(0.2),
  );
  const nodes = left.map((node, index) =>
    index > 0 && random.chance(0.1) ? { ...node, params: { edit: name } } : node,
  );
  if (random.chance(0.3)) nodes.push({ ...randomNode(random, nodes), id: name });
  return { ...plan, nodes };
}

function randomNode(random: Random, earlier: readonly PlannedNode[]): PlannedNode {
  const needs = random.some(earlier.slice(-5), 0.4).map(({ id }) => id);
  const providers = ancestorsOf(needs, earlier);
  return nodeOf(`n${earlier.length}`, {
    needs,
    inputs: providers.length === 0 ? [] : randomInputs(random, providers),
    optional: random.chance(0.25),
    retry: { attemptsMax: random.integer(1, 4), backoffMs: random.pick([0, 100, 1000, 10_000]) },
    estimate: randomEstimate(random),
  });
}

function randomInputs(random: Random, providers: readonly string[]): readonly PlannedInput[] {
  return random.some(roles, 0.25).map((role): PlannedInput => {
    const take = random.pick(['one', 'optional', 'every'] as const);
    return take === 'every'
      ? { role, take, from: random.some(providers, 0.6) }
      : { role, take, from: [random.pick(providers)] };
  });
}

function randomEstimate(random: Random): Estimate {
  const isIo = random.chance(0.15);
  const coresMin = isIo ? 0 : random.pick([1, 1, 1, 2, 4, 32]);
  return estimateOf(0.1 + random.fraction() * 20, {
    coresMin,
    coresMax: isIo ? 0 : coresMin + random.integer(0, 8),
    memoryBytes: random.pick([0, 64 * mebibyte, gibibyte, 4 * gibibyte]),
    ioSlots: isIo ? random.integer(0, 6) : 0,
    gpus: random.chance(0.1) ? 1 : 0,
  });
}

function randomFailures(random: Random, { retry }: PlannedNode): readonly FailureCode[] {
  if (random.chance(0.7)) return [];
  const failures: FailureCode[] = [];
  const count = random.integer(1, retry.attemptsMax);
  for (let index = 0; index < count; index += 1) failures.push(random.pick(codes));
  // A class that is never retried is final, whatever the script says of later attempts.
  const isFinal = failures.some((code) => codes.indexOf(code) < 4);
  return isFinal
    ? Array.from({ length: retry.attemptsMax }, () => failures[0] ?? 'corrupt')
    : failures;
}

function randomArtifacts(random: Random, nodeId: string): readonly Artifact[] {
  return random.some(roles, 0.5).map((role) => artifactOf(nodeId, role));
}

/** An artifact of a node, by role. */
export function artifactOf(nodeId: string, role: MediaRole): Artifact {
  return {
    name: `${nodeId}.${role}`,
    role,
    mediaType: 'application/octet-stream',
    bytes: 1,
    sha256: '0'.repeat(64),
    product: true,
    path: `jobs/${nodeId}/${role}`,
  };
}

function randomExpansion(random: Random, { nodes }: Plan): Expansion {
  const skipped: Record<string, string> = {};
  const estimates: Record<string, Estimate> = {};
  for (const { id } of nodes.slice(1)) {
    if (random.chance(0.2)) skipped[id] = `${id} does not apply.`;
    else estimates[id] = randomEstimate(random);
  }
  return { skipped, estimates };
}

function ancestorsOf(needs: readonly string[], nodes: readonly PlannedNode[]): readonly string[] {
  const found = new Set(needs);
  for (const id of found) {
    for (const need of nodes.find((node) => node.id === id)?.needs ?? []) found.add(need);
  }
  return [...found];
}
