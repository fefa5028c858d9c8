import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostOf } from '../../fakes/makespan.ts';
import { estimateOf, planOf } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const plan = planOf('a', { a: { estimate: estimateOf(10) } });

describe('two tenants on a host of one core', () => {
  it('take turns, also where one of them came first with all it has', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(1) });
    const jobs = new Map<string, string>();
    for (const tenant of ['acme', 'acme', 'acme', 'acme', 'other', 'other']) {
      jobs.set(await rig.submit(plan, 0, tenant), tenant);
      // Jobs of one moment go by their ids, which are drawn by chance.
      rig.clock.advance(1);
    }
    const turns: string[] = [];
    while (turns.length < jobs.size) {
      const [run] = await rig.puppets.waiting();
      turns.push(jobs.get(run?.attempt.jobId ?? '') ?? '');
      rig.clock.advance(10_000);
      await run?.succeed();
    }
    for (const job of jobs.keys()) expect((await rig.ended(job)).phase).toBe('succeeded');
    expect(turns).toEqual(['acme', 'other', 'acme', 'other', 'acme', 'acme']);
  });

  it('are charged what runs really take', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(1) });
    const jobs = new Map<string, string>();
    for (const tenant of ['slow', 'slow', 'quick', 'quick', 'quick', 'quick', 'quick']) {
      jobs.set(await rig.submit(plan, 0, tenant), tenant);
      // Jobs of one moment go by their ids, which are drawn by chance.
      rig.clock.advance(1);
    }
    const turns: string[] = [];
    while (turns.length < jobs.size) {
      const [run] = await rig.puppets.waiting();
      const tenant = jobs.get(run?.attempt.jobId ?? '') ?? '';
      turns.push(tenant);
      rig.clock.advance(tenant === 'slow' ? 40_000 : 10_000);
      await run?.succeed();
    }
    for (const job of jobs.keys()) expect((await rig.ended(job)).phase).toBe('succeeded');
    expect(turns).toEqual(['slow', 'quick', 'quick', 'quick', 'quick', 'slow', 'quick']);
  });
});

describe('nodes that were lost with the service twice', () => {
  it('run one at a time after that, beside those that were not', async () => {
    await using directory = await createTempDirectory();
    const pathOf = (life: number): string => join(directory.path, String(life));
    await mkdir(pathOf(1));
    const first = await JobRig.open({ directory: pathOf(1) });
    const suspects = [await first.submit(plan), await first.submit(plan)];
    for (const job of suspects) await first.puppets.begun(job, 'a');
    // What the disk holds while they run is what a crash leaves.
    await cp(pathOf(1), pathOf(2), { recursive: true });
    await first.close();
    const second = await JobRig.open({ directory: pathOf(2) });
    for (const job of suspects) await second.puppets.begun(job, 'a', 2);
    await cp(pathOf(2), pathOf(3), { recursive: true });
    await second.close();

    await using third = await JobRig.open({ directory: pathOf(3) });
    const innocent = await third.submit(plan);
    await third.puppets.begun(innocent, 'a');
    await Promise.race(suspects.map((job) => third.puppets.begun(job, 'a', 3)));
    const waiting = await third.puppets.waiting();
    // Which of the three begins first is chance.
    const run = waiting.find(({ attempt }) => attempt.jobId !== innocent);
    expect(third.puppets.begins.toSorted()).toEqual(['a 1', 'a 3']);
    const jobId = run?.attempt.jobId ?? '';
    expect((await third.node(jobId, 'a')).lostCount).toBe(2);
    await third.succeed(jobId, 'a', 3);
    const other = suspects.find((job) => job !== jobId) ?? '';
    await third.succeed(other, 'a', 3);
    await third.succeed(innocent, 'a');
    for (const job of [...suspects, innocent]) {
      expect((await third.ended(job)).phase).toBe('succeeded');
    }
  });
});
