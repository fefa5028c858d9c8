import { describe, expect, test } from 'vitest';
import { createJob } from '../../src/scheduler/create-job.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import { countedAttempt, isTerminalJob, isTerminalNode } from '../../src/scheduler/job-state.ts';
import type { JobState } from '../../src/scheduler/job-state.ts';
import { Random } from '../fakes/random.ts';
import { randomCapacity, randomEdit, randomScriptedPlan } from '../fakes/random-jobs.ts';
import type { ScriptedPlan } from '../fakes/random-jobs.ts';
import { SimulatedHost } from '../fakes/simulated-host.ts';

/**
 * Thousands of whole lives of jobs on one host. Each run is made of its seed alone; a failure names it,
 * and `REELGRAPH_TEST_SEED=<seed>` runs that one alone.
 */
const seed = process.env['REELGRAPH_TEST_SEED'];
const runs = 4000;
const seeds =
  seed === undefined ? Array.from({ length: runs }, (_, index) => index + 1) : [Number(seed)];

interface Life {
  readonly host: SimulatedHost;
  /** Retries that changed a job. */
  readonly retryCount: number;
  readonly plans: ReadonlyMap<string, ScriptedPlan>;
  readonly cancelled: ReadonlySet<string>;
}

function live(
  random: Random,
  trouble: { readonly crashes: boolean; readonly chaos: number; readonly retries?: boolean },
): Life {
  let retryCount = 0;
  const plans = new Map<string, ScriptedPlan>();
  const cancelled = new Set<string>();
  const host: SimulatedHost = new SimulatedHost({
    capacity: randomCapacity(random),
    random,
    chaos: trouble.chaos,
    latencyMsMax: random.pick([0, 20, 500]),
    run: (job, nodeId, attempt) => plans.get(job.id)!.run(nodeId, attempt),
  });
  const jobCount = random.integer(1, 4);
  for (let index = 0; index < jobCount; index += 1) {
    const id = `job-${index}`;
    const scripted = randomScriptedPlan(random, 14);
    plans.set(id, scripted);
    const priority = random.pick([-100, 0, 0, 100]);
    const atMs = random.integer(0, 20_000);
    host.at(atMs, () => host.submit(createJob({ id, plan: scripted.plan, priority, atMs })));
    for (let at = trouble.retries === true ? random.integer(1, 3) : 0; at > 0; at -= 1) {
      host.at(atMs + random.integer(1000, 120_000), () => {
        if (retry(host, id, { random, scripted })) retryCount += 1;
      });
    }
    if (!random.chance(0.2)) continue;
    cancelled.add(id);
    const cancelAtMs = atMs + random.integer(1, 40_000);
    host.at(cancelAtMs, () => host.apply(id, { type: 'cancel-requested', atMs: cancelAtMs }));
  }
  if (trouble.crashes && random.chance(0.5)) host.at(random.integer(0, 40_000), () => host.crash());
  if (trouble.crashes && random.chance(0.5))
    host.at(random.integer(0, 40_000), () => host.loseOne());
  if (trouble.retries === true && random.chance(0.7)) {
    host.at(random.integer(0, 60_000), () => host.restart());
  }
  host.run();
  return { host, retryCount, plans, cancelled };
}

/**
 * Somebody edits the pipeline and retries a job; false when it had not ended, or all was done. What runs
 * again is checked against what the edit, the names and the edges say.
 */
function retry(
  host: SimulatedHost,
  jobId: string,
  { random, scripted }: { readonly random: Random; readonly scripted: ScriptedPlan },
): boolean {
  const before = host.jobs.get(jobId)!;
  // By the time that an end can be seen, every start that was decided before is stored or refused.
  const isStarting = [...host.children.values()].some(({ start }) => start.jobId === jobId);
  if (!isTerminalJob(before.phase) || isStarting) return false;
  const plan = random.chance(0.5)
    ? randomEdit(random, before.plan, `x${host.eventCount}`)
    : before.plan;
  const nodeIds = random.chance(0.3) ? [random.pick(plan.nodes).id] : [];
  const expected = keptByEdges(before, plan, nodeIds);
  const probeId = plan.nodes[0]!.id;
  const expansion = before.media && expected.has(probeId) ? scripted.expansion : undefined;
  const atMs = host.nowMs;
  host.apply(jobId, {
    type: 'retry-requested',
    atMs,
    plan,
    nodeIds,
    ...(expansion && { expansion }),
  });
  const after = host.jobs.get(jobId)!;
  if (after === before) {
    expect(before.phase).toBe('succeeded');
    expect(expected.size).toBe(plan.nodes.length);
    return false;
  }
  expect(after.nodes.map(({ id }) => id)).toEqual(plan.nodes.map(({ id }) => id));
  const records = new Map(before.nodes.map((record) => [record.id, record]));
  for (const record of after.nodes) {
    expect(record === records.get(record.id), `${record.id} is kept`).toBe(expected.has(record.id));
  }
  return true;
}

/** What a retry has to keep, said in another way than the scheduler does: nothing upstream differs. */
function keptByEdges(before: JobState, plan: Plan, nodeIds: readonly string[]): Set<string> {
  const kept = new Set(plan.nodes.map(({ id }) => id));
  for (let size = -1; size !== kept.size;) {
    size = kept.size;
    for (const node of plan.nodes) {
      const at = before.plan.nodes.findIndex(({ id }) => id === node.id);
      const phase = before.nodes[at]?.phase ?? 'waiting';
      const isSame =
        JSON.stringify(before.plan.nodes[at]) === JSON.stringify(node) &&
        !nodeIds.includes(node.id) &&
        ['succeeded', 'skipped'].includes(phase);
      if (!isSame || node.needs.some((need) => !kept.has(need))) kept.delete(node.id);
    }
  }
  return kept;
}

describe('jobs on a simulated host', () => {
  test('all end, soundly, through failures, cancels, crashes, repeated and late events', () => {
    const phases = new Map<string, number>();
    let eventCount = 0;
    for (const each of seeds) {
      const { host, cancelled } = live(new Random(each), { crashes: true, chaos: 0.15 });
      eventCount += host.eventCount;
      for (const { id, phase, nodes } of host.jobs.values()) {
        phases.set(phase, (phases.get(phase) ?? 0) + 1);
        const areEnded = nodes.every((node) => isTerminalNode(node.phase));
        expect(areEnded, `seed ${each}`).toBe(true);
        if (!cancelled.has(id)) expect(phase, `seed ${each}`).not.toBe('cancelled');
      }
    }
    // The simulation reaches what it is for.
    if (seed === undefined) {
      expect(eventCount).toBeGreaterThan(runs * 25);
      for (const phase of ['succeeded', 'failed', 'cancelled']) {
        expect(phases.get(phase)).toBeGreaterThan(runs / 20);
      }
    }
  });

  test('that are retried run what has to run again, and nothing else', () => {
    let retryCount = 0;
    let rerunCount = 0;
    for (const each of seeds.slice(0, runs / 4)) {
      const life = live(new Random(each), { crashes: true, chaos: 0.1, retries: true });
      retryCount += life.retryCount;
      for (const { phase, nodes } of life.host.jobs.values()) {
        expect(isTerminalJob(phase), `seed ${each}`).toBe(true);
        rerunCount += nodes.filter((node) => countedAttempt(node) < node.attempt).length;
      }
    }
    if (seed !== undefined) return;
    expect(retryCount).toBeGreaterThan(runs / 10);
    expect(rerunCount).toBeGreaterThan(runs / 10);
  });

  test('succeed when every node does in the end, and fail when one does not', () => {
    for (const each of seeds.slice(0, runs / 4)) {
      const { host, plans, cancelled } = live(new Random(each), { crashes: false, chaos: 0.1 });
      for (const { id, phase, nodes, failure } of host.jobs.values()) {
        if (cancelled.has(id)) continue;
        const scripted = plans.get(id)!;
        if (scripted.isSound) expect(phase, `seed ${each}`).toBe('succeeded');
        if (phase === 'failed') {
          const record = nodes.find((node) => node.id === failure?.nodeId);
          const { end } = scripted.run(failure!.nodeId, record!.attempt);
          expect(end, `seed ${each}`).toEqual({ failure: failure!.code });
        }
      }
    }
  });

  test('tell their watchers every phase exactly once, in order', () => {
    for (const each of seeds.slice(0, runs / 8)) {
      const { host } = live(new Random(each), { crashes: true, chaos: 0.15 });
      for (const job of host.jobs.values()) {
        const own = host.notices.flatMap(({ jobId, notice }) => (jobId === job.id ? [notice] : []));
        const told = own.flatMap((notice) => (notice.type === 'job' ? [notice.phase] : []));
        expect([...new Set(told)], `seed ${each}`).toEqual(told);
        expect(told.at(0), `seed ${each}`).toBe('queued');
        expect(told.at(-1), `seed ${each}`).toBe(job.phase);
        for (const record of job.nodes) {
          const phases = own.flatMap((notice) =>
            notice.type === 'node' && notice.nodeId === record.id ? [notice] : [],
          );
          expect(phases.at(-1)?.phase ?? 'waiting', `seed ${each}`).toBe(record.phase);
          const runsTold = phases.filter((notice) => notice.phase === 'running');
          expect(
            runsTold.map(({ attempt }) => attempt),
            `seed ${each}`,
          ).toEqual(Array.from({ length: record.attempt }, (_, index) => index + 1));
        }
      }
    }
  });
});
