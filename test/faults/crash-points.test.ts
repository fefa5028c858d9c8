import { expect, test } from 'vitest';
import { crashAtEach, crashEachFirstStart, crashEachRecovery } from './crash-points.ts';
import { distinctPoints, recordPoints } from './crash-points.ts';
import type { Crash, CrashReport } from './crash-points.ts';
import { useSmallWork } from './use-small-work.ts';

/** About sixty kills and restarts, two at a time, on a machine that others use as well. */
const crashesTimeoutMs = 600_000;

/** Kinds of steps that a job takes on its way: what has to be among the points. */
const milestones = [
  'write incoming/<job>/in.part',
  'rename incoming/<job>/in',
  'commit',
  'rename jobs/<job>/transcode/<n>',
  'sync jobs/<job>/merge',
  'rename storage/<job>/film.mp4',
  'rename storage/<job>/manifest.json',
  'rm incoming/<job>',
];

const small = useSmallWork();

/** Every second crash goes to one service, the others to another one beside it. */
async function crashInPairs(crashes: readonly Crash[]): Promise<readonly CrashReport[]> {
  const halves = [0, 1].map((half) => crashes.filter((_crash, index) => index % 2 === half));
  return Promise.all(halves.map((half) => crashAtEach(half, small.work)));
}

test(
  'a service that is killed before any one of its steps loses nothing and does nothing twice',
  async () => {
    const { job } = await recordPoints(small.work, `${small.directory}/points`);
    const points = distinctPoints(job);
    expect(points.map(({ name }) => name)).toEqual(expect.arrayContaining(milestones));
    const reports = await crashInPairs(points.map((at) => ({ at, when: 'before' })));
    expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    expect(reports.flatMap(({ missed }) => missed)).toEqual([]);
    expect(reports.map(({ doneTwice }) => doneTwice)).toEqual([0, 0]);
  },
  crashesTimeoutMs,
);

test(
  'a first start that is killed before any one of its steps is made good by the next start',
  async () => {
    const { count, findings } = await crashEachFirstStart(small.work);
    expect(findings).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(4);
  },
  crashesTimeoutMs,
);

test(
  'restarts that are killed before any one of their steps lose nothing of an unfinished job',
  async () => {
    const inPublish = { name: 'rename jobs/<job>/publish/<n>', occurrence: 1 };
    const { count, findings } = await crashEachRecovery(small.work, inPublish);
    expect(findings).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(3);
  },
  crashesTimeoutMs,
);
