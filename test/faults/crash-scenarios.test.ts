import { expect, test } from 'vitest';
import { distinctPoints, recordPoints } from './crash-points.ts';
import type { Crash, NamedPoint } from './crash-points.ts';
import {
  crashScenario,
  deleteEnded,
  deleteRunning,
  keepAndReuse,
  newPoints,
  recordScenario,
  retryFailed,
} from './crash-scenarios.ts';
import { useSmallWork } from './use-small-work.ts';

/** A dozen kills and restarts on a machine that others use as well. */
const scenarioTimeoutMs = 300_000;

const small = useSmallWork();

function killsBefore(points: readonly NamedPoint[]): readonly Crash[] {
  return points.map((at) => ({ at, when: 'before' }));
}

test.each([
  { job: 'an ended job', scenarioOf: deleteEnded },
  { job: 'a running job', scenarioOf: deleteRunning },
])(
  'a deletion of $job that is killed before any one of its steps is done by the next life',
  async ({ scenarioOf }) => {
    const scenario = await scenarioOf(small.work);
    const points = await recordScenario(scenario, small.work);
    const report = await crashScenario(scenario, small.work, killsBefore(distinctPoints(points)));
    expect(report.findings).toEqual([]);
    expect(report.missed).toEqual([]);
    expect(report.crashed).toBeGreaterThanOrEqual(6);
  },
  scenarioTimeoutMs,
);

/** Where a retry differs from a job that runs for the first time: until its first node is done. */
const retryStepsMax = 6;

/** What follows the failure before the retry: now it comes in front of the retry and now behind it. */
function isUnpublishing(name: string): boolean {
  return /^(rm|sync) storage(\/<job>)?$/.test(name);
}

test(
  'a retry that is killed before any one of its first steps goes on, and does nothing twice',
  async () => {
    const scenario = retryFailed(small.work);
    const points = distinctPoints(await recordScenario(scenario, small.work));
    const own = points.filter(({ name }) => !isUnpublishing(name)).slice(0, retryStepsMax);
    const report = await crashScenario(scenario, small.work, killsBefore(own));
    expect(report.findings).toEqual([]);
    expect(report.missed).toEqual([]);
    expect(report.doneTwice).toBe(0);
  },
  scenarioTimeoutMs,
);

test(
  'kept results are whole and within their limit, and a key has one job, whenever the service is killed',
  async () => {
    const scenario = keepAndReuse(small.work);
    const { job } = await recordPoints(small.work, `${small.directory}/points`);
    const points = newPoints(await recordScenario(scenario, small.work), job);
    const steps = points.map(({ name }) => name);
    // Results are kept, given up and used.
    for (const step of ['rename cache/<sha256>', 'rm cache/<sha256>'])
      expect(steps).toContain(step);
    expect(steps.some((step) => step.startsWith('link scratch/'))).toBe(true);
    const report = await crashScenario(scenario, small.work, killsBefore(points));
    expect(report.findings).toEqual([]);
    // What is kept comes behind the work, now a commit earlier and now a commit later.
    expect(report.crashed).toBeGreaterThan(points.length / 2);
    expect(report.doneTwice).toBe(0);
  },
  scenarioTimeoutMs,
);
