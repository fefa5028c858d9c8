import { describe, expect, test } from 'vitest';
import { createJob } from '../../src/scheduler/create-job.ts';
import { lostCountMax } from '../../src/scheduler/settle.ts';
import { hostOf } from '../fakes/makespan.ts';
import { estimateOf, planOf } from '../fakes/plans.ts';
import { Random } from '../fakes/random.ts';
import { SimulatedHost } from '../fakes/simulated-host.ts';

/** Crashes of one simulation at most; more means that the poison is never found out. */
const crashesMax = 100;

/**
 * A host of eight cores on which some jobs have a node that takes the service down a second after it
 * begins, each time, with all that runs. Their ids begin with `poison`.
 */
function hostWith(jobIds: readonly string[], seed: number) {
  const begun = new Set<string>();
  let crashes = 0;
  const random = new Random(seed);
  const host: SimulatedHost = new SimulatedHost({
    capacity: hostOf(8),
    random,
    chaos: 0,
    latencyMsMax: 0,
    run: (job, nodeId, attempt) => {
      const name = `${job.id} ${attempt}`;
      if (job.id.startsWith('poison') && nodeId === 'b' && !begun.has(name)) {
        begun.add(name);
        host.at(host.nowMs + 1000, () => {
          crashes += 1;
          if (crashes <= crashesMax) host.crash();
        });
      }
      return { workSec: 20, end: { artifacts: [], warnings: [] } };
    },
  });
  for (const id of jobIds) {
    const estimate = estimateOf(20);
    const plan = planOf('a; b:a', { a: { estimate }, b: { estimate } });
    const atMs = random.integer(0, 60_000);
    host.at(atMs, () => host.submit(createJob({ id, plan, priority: 0, atMs })));
  }
  host.run();
  return { host, crashes };
}

describe('a node that takes the service down whenever it runs', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'fails as lost, and every other job succeeds (seed %d)',
    (seed) => {
      const innocent = Array.from({ length: 30 }, (_, index) => `job-${index}`);
      const { host, crashes } = hostWith(['poison', ...innocent], seed);
      const poison = host.jobs.get('poison');
      expect(poison).toMatchObject({ phase: 'failed', failure: { code: 'lost', nodeId: 'b' } });
      expect(crashes).toBeLessThanOrEqual(lostCountMax + 1);
      for (const id of innocent) {
        const job = host.jobs.get(id);
        expect(`${id} ${job?.phase}`).toBe(`${id} succeeded`);
        // As a suspect itself it never runs beside the poison again.
        for (const { lostCount = 0 } of job?.nodes ?? []) expect(lostCount).toBeLessThanOrEqual(2);
      }
    },
  );

  test('does not take innocent ones with it where there are two of them', () => {
    const innocent = Array.from({ length: 20 }, (_, index) => `job-${index}`);
    const { host, crashes } = hostWith(['poison-1', 'poison-2', ...innocent], 3);
    const phases = [...host.jobs.values()].map(({ id, phase }) => `${id} ${phase}`);
    expect(phases.filter((each) => each.endsWith('failed')).toSorted()).toEqual([
      'poison-1 failed',
      'poison-2 failed',
    ]);
    expect(innocent.every((id) => host.jobs.get(id)?.phase === 'succeeded')).toBe(true);
    expect(crashes).toBeLessThanOrEqual(2 * (lostCountMax + 1));
  });
});
