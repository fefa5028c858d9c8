import { describe, expect, test } from 'vitest';
import { gibibyte } from '../../src/base/units.ts';
import { createJob } from '../../src/scheduler/create-job.ts';
import { backfillMsMax } from '../../src/scheduler/select.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import { asEstimated, hostOf } from '../fakes/makespan.ts';
import { estimateOf, planOf } from '../fakes/plans.ts';
import { Random } from '../fakes/random.ts';
import { SimulatedHost } from '../fakes/simulated-host.ts';

/** A job that a test submits. */
interface Arrival {
  readonly id: string;
  readonly plan: Plan;
  readonly priority?: number;
  readonly atMs: number;
}

/** A host of four cores and one GiB on which these jobs arrive; everything takes what is estimated. */
function hostWith(arrivals: readonly Arrival[]): SimulatedHost {
  const host: SimulatedHost = new SimulatedHost({
    capacity: { ...hostOf(4), memoryBytes: gibibyte },
    random: new Random(1),
    chaos: 0,
    latencyMsMax: 0,
    run: ({ plan }, nodeId) => ({
      workSec: asEstimated(plan)(nodeId),
      end: { artifacts: [], warnings: [] },
    }),
  });
  for (const { id, plan, priority = 0, atMs } of arrivals) {
    host.at(atMs, () => host.submit(createJob({ id, plan, priority, atMs })));
  }
  host.run();
  return host;
}

function startOf(host: SimulatedHost, jobId: string): number {
  return host.starts.find(({ start }) => start.jobId === jobId)?.atMs ?? Infinity;
}

const lightMs = 7000;

/** Ten minutes of jobs of one core and seven seconds each. */
function stream(everyMs: number): readonly Arrival[] {
  return Array.from({ length: Math.ceil(600_000 / everyMs) }, (_, index) => ({
    id: `light-${index}`,
    plan: planOf('light', { light: { estimate: estimateOf(lightMs / 1000) } }),
    atMs: index * everyMs,
  }));
}

/** More than four cores can take. */
const flood = stream(1500);

/** Seven eighths of four cores. */
const plenty = stream(2000);

describe('a heavy node in a stream of light ones behind it', () => {
  test.each([
    ['all the cores', { coresMin: 4, coresMax: 4 }],
    ['all the memory', { memoryBytes: gibibyte }],
  ])(
    'starts once the bound is reached and what ran then has ended, if it needs %s',
    (_what, demand) => {
      const plan = planOf('heavy', { heavy: { estimate: estimateOf(40, demand) } });
      const host = hostWith([...flood, { id: 'heavy', plan, priority: 1, atMs: 5000 }]);
      const waitedMs = startOf(host, 'heavy') - 5000;
      expect(waitedMs).toBeGreaterThan(0);
      expect(waitedMs).toBeLessThanOrEqual(backfillMsMax + lightMs);
    },
  );

  test('is passed by them until then: no core is idle', () => {
    const plan = planOf('heavy', {
      heavy: { estimate: estimateOf(40, { coresMin: 4, coresMax: 4 }) },
    });
    const host = hostWith([...flood, { id: 'heavy', plan, priority: 1, atMs: 5000 }]);
    const passed = host.starts.filter(({ atMs }) => atMs > 5000 && atMs < startOf(host, 'heavy'));
    expect(passed.length).toBeGreaterThan(15);
  });
});

describe('a long job in a stream of short ones', () => {
  test('lets them pass while it is not due, and then goes before all that come later', () => {
    // 200 core-seconds on four cores: due four times 50 s after its upload.
    const plan = planOf('long', {
      long: { estimate: estimateOf(200, { coresMin: 4, coresMax: 4 }) },
    });
    const host = hostWith([...plenty, { id: 'long', plan, atMs: 0 }]);
    const dueMs = 200_000;
    expect(startOf(host, 'long')).toBeGreaterThan(backfillMsMax + lightMs);
    expect(startOf(host, 'long')).toBeLessThanOrEqual(dueMs + lightMs);
    expect([...host.jobs.values()].every(({ phase }) => phase === 'succeeded')).toBe(true);
  });
});

describe('a job of a low priority', () => {
  test('starts with what those of a higher one leave', () => {
    const plan = planOf('a', { a: { estimate: estimateOf(10, { coresMin: 2, coresMax: 2 }) } });
    const host = hostWith([
      { id: 'low', plan, priority: -100, atMs: 0 },
      { id: 'high-1', plan, priority: 100, atMs: 0 },
      { id: 'high-2', plan, priority: 100, atMs: 0 },
      { id: 'high-3', plan, priority: 100, atMs: 4000 },
    ]);
    const starts = host.starts.map(({ start, atMs }) => `${atMs / 1000} ${start.jobId}`);
    expect(starts).toEqual(['0 high-1', '0 high-2', '5 high-3', '5 low']);
  });
});
