import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newJobId } from '../../../src/base/ids.ts';
import { planOf } from '../../fakes/plans.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';
import { stopGraceMs } from '../../../src/worker/attempt.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const audio = { files: [{ name: 'sound', role: 'audio' }] };

describe('a stop', () => {
  it('ends what runs and hands it back, which is no loss', async () => {
    await using directory = await createTempDirectory();
    const rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b:a'));
    const run = await rig.puppets.begun(job, 'a');
    run.endWhenStopped();
    await rig.worker.stop();
    expect(await rig.node(job, 'a')).toMatchObject({ phase: 'ready', attempt: 1, excusedCount: 1 });
    expect(await rig.node(job, 'a')).not.toHaveProperty('lostCount');
    expect(existsSync(run.attempt.outputDirectory)).toBe(false);
    await rig.close();
  });

  it('starts nothing any more', async () => {
    await using directory = await createTempDirectory();
    const rig = await JobRig.open({ directory: directory.path });
    await rig.worker.stop();
    const job = await rig.submit(planOf('a'));
    expect(await rig.running(job)).toEqual([]);
    await rig.close();
  });

  it('is over after a grace, also where a kind never ends', async () => {
    await using directory = await createTempDirectory();
    const rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    const run = await rig.puppets.begun(job, 'a');
    const stopping = rig.worker.stop();
    rig.clock.advance(stopGraceMs);
    await stopping;
    expect(await rig.node(job, 'a')).toMatchObject({ phase: 'ready', excusedCount: 1 });
    run.fail('cancelled');
    await rig.close();
  });
});

describe('a restart', () => {
  it('goes on where the job was, without running a finished node again', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const job = await before.submit(planOf('a; b:a; c:a; d:b,c', { a: { params: audio } }));
    await before.succeed(job, 'a');
    await before.puppets.begun(job, 'b');
    await before.puppets.begun(job, 'c');
    await before.succeed(job, 'c');
    await before.close();

    await using after = await JobRig.open({ directory: directory.path });
    await after.succeed(job, 'b', 2);
    await after.succeed(job, 'd');
    const { phase, nodes } = await after.ended(job);
    expect(phase).toBe('succeeded');
    expect(after.puppets.begins).toEqual(['b 2', 'd 1']);
    expect(nodes.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 1]);
    expect(await after.outputs(job)).toEqual(['a/1/sound']);
  });

  it('tells followers that know the first part only the rest', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const job = await before.submit(planOf('a'));
    await before.puppets.begun(job, 'a');
    const known = await before.store.readNotices({ jobId: job, afterSequence: 0, limit: 100 });
    await before.close();

    await using after = await JobRig.open({ directory: directory.path });
    await after.succeed(job, 'a', 2);
    const rest = [];
    const { signal } = new AbortController();
    for await (const update of after.service.follow(job, known.length, signal)) rest.push(update);
    const told = rest.flatMap((update) => (update.type === 'notice' ? [update] : []));
    expect(told.map(({ sequence }) => sequence)).toEqual(
      told.map((_, index) => known.length + index + 1),
    );
    expect(
      told.map(({ notice }) =>
        notice.type === 'warning' ? 'warning' : `${notice.type} ${notice.phase}`,
      ),
    ).toEqual(['node ready', 'node running', 'node succeeded', 'job succeeded']);
  });

  it('goes on after more restarts than a node has attempts', async () => {
    await using directory = await createTempDirectory();
    const plan = planOf('a; b', { a: { retry: { attemptsMax: 2, backoffMs: 0 } } });
    const first = await JobRig.open({ directory: directory.path });
    const job = await first.submit(plan);
    await first.puppets.begun(job, 'a');
    await first.succeed(job, 'b');
    await first.close();
    for (const attempt of [2, 3, 4]) {
      const next = await JobRig.open({ directory: directory.path });
      await next.puppets.begun(job, 'a', attempt);
      await next.close();
    }

    await using last = await JobRig.open({ directory: directory.path });
    await last.puppets.begun(job, 'a', 5);
    await last.succeed(job, 'a', 5);
    const { phase, nodes } = await last.ended(job);
    expect(phase).toBe('succeeded');
    expect(nodes[0]).toMatchObject({ attempt: 5, excusedCount: 4 });
    expect(nodes[0]).not.toHaveProperty('lostCount');
    expect(last.puppets.begins.filter((begin) => begin.includes('b'))).toEqual([]);
  });

  it('completes a cancel that it interrupted', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const job = await before.submit(planOf('a; b:a'));
    await before.puppets.begun(job, 'a');
    await before.service.cancel(job);
    await before.close();

    await using after = await JobRig.open({ directory: directory.path });
    expect((await after.ended(job)).phase).toBe('cancelled');
    expect(after.puppets.begins).toEqual([]);
  });

  it('gives a delayed node its remaining delay', async () => {
    await using directory = await createTempDirectory();
    const plan = planOf('a', { a: { retry: { attemptsMax: 2, backoffMs: 60_000 } } });
    const before = await JobRig.open({ directory: directory.path });
    const job = await before.submit(plan);
    (await before.puppets.begun(job, 'a')).fail('tool');
    await before.delayed(job, 'a');
    const dueAtMs = (await before.node(job, 'a')).dueAtMs ?? 0;
    await before.close();

    const clock = new ManualClock();
    clock.advance(dueAtMs - 5000);
    await using after = await JobRig.open({ directory: directory.path, clock });
    clock.advance(4999);
    expect(await after.running(job)).toEqual([]);
    clock.advance(1);
    await after.succeed(job, 'a', 2);
    expect((await after.ended(job)).phase).toBe('succeeded');
  });

  it('removes uploads that no job came of, and no other', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const job = await before.submit(planOf('a'));
    await before.upload(newJobId());
    await writeFile(join(directory.path, 'incoming', 'note.txt'), 'of somebody else');
    await before.close();

    await using after = await JobRig.open({ directory: directory.path });
    const left = await readdir(join(directory.path, 'incoming'));
    expect(left.toSorted()).toEqual([job, 'note.txt'].toSorted());
    expect(after.errors).toEqual([]);
  });

  it('removes the outputs of an attempt whose end was not stored any more', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const job = await before.submit(planOf('a; b:a', { a: { params: audio } }));
    await before.succeed(job, 'a');
    const run = await before.puppets.begun(job, 'b');
    run.endWhenStopped();
    await before.close();
    // What a crash leaves between the promotion and the transaction behind it.
    const lost = join(directory.path, 'jobs', job, 'b', '1');
    await mkdir(lost, { recursive: true });
    await writeFile(join(lost, 'lost'), 'x');

    await using after = await JobRig.open({ directory: directory.path });
    expect(await after.outputs(job)).toEqual(['a/1/sound']);
  });

  it('removes what dead attempts left behind, before anything runs', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const job = await before.submit(planOf('a'));
    await before.puppets.begun(job, 'a');
    await before.close();
    const left = join(directory.path, 'scratch', `${job}.a.1`);
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'half'), 'x');

    await using after = await JobRig.open({ directory: directory.path });
    await after.puppets.begun(job, 'a', 2);
    expect(await after.scratch()).toEqual([`${job}.a.2`]);
  });
});
