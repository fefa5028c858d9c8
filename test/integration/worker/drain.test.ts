import { describe, expect, it } from 'vitest';
import { estimateOf, planOf } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const graceMs = 20_000;

/** Nodes of one second and of a hundred, each on one core. */
const details = {
  short: { estimate: estimateOf(1) },
  long: { estimate: estimateOf(100), timeoutMs: 600_000 },
} as const;

/** A rig on a directory of its own, with a way to hurry its drain. */
async function openRig() {
  const directory = await createTempDirectory();
  const rig = await JobRig.open({ directory: directory.path });
  const hurry = new AbortController();
  return {
    ...{ directory: directory.path, rig, hurry },
    drain: () => rig.worker.drain({ graceMs, hurry: hurry.signal }),
    async [Symbol.asyncDispose](): Promise<void> {
      await rig.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

describe('a drain', () => {
  it('lets a node end that ends in time, and starts nothing after it', async () => {
    await using opened = await openRig();
    const { rig, drain } = opened;
    const job = await rig.submit(planOf('short; next:short', details));
    const run = await rig.puppets.begun(job, 'short');
    const drained = drain();
    await rig.store.transaction(() => Promise.resolve());
    expect(run.attempt.signal.aborted).toBe(false);
    await run.succeed();
    await drained;
    expect(await rig.node(job, 'short')).toMatchObject({ phase: 'succeeded', attempt: 1 });
    expect(await rig.node(job, 'next')).toMatchObject({ phase: 'ready', attempt: 0 });
    expect(rig.clock.pending).toBe(0);
  });

  it('hands a node back at once that would take longer', async () => {
    await using opened = await openRig();
    const { rig, drain } = opened;
    const job = await rig.submit(planOf('short; long', details));
    const short = await rig.puppets.begun(job, 'short');
    const long = await rig.puppets.begun(job, 'long');
    long.endWhenStopped();
    const drained = drain();
    expect(long.attempt.signal.aborted).toBe(true);
    await short.succeed();
    await drained;
    expect((await rig.job(job)).nodes.map(({ phase }) => phase)).toEqual(['succeeded', 'ready']);
    expect(await rig.node(job, 'long')).toMatchObject({ attempt: 1, excusedCount: 1 });
    expect(await rig.node(job, 'long')).not.toHaveProperty('lostCount');
  });

  it('counts what a node has done already', async () => {
    await using opened = await openRig();
    const { rig, drain } = opened;
    const job = await rig.submit(planOf('long', details));
    const run = await rig.puppets.begun(job, 'long');
    rig.clock.advance(85_000);
    const drained = drain();
    expect(run.attempt.signal.aborted).toBe(false);
    await run.succeed();
    await drained;
    expect((await rig.ended(job)).phase).toBe('succeeded');
  });

  it('does not wait for a node whose end is long overdue', async () => {
    await using opened = await openRig();
    const { rig, drain } = opened;
    const job = await rig.submit(planOf('short', details));
    const run = await rig.puppets.begun(job, 'short');
    run.endWhenStopped();
    rig.clock.advance(10_000);
    await drain();
    expect(await rig.node(job, 'short')).toMatchObject({ phase: 'ready', excusedCount: 1 });
  });

  it('hands back what has not ended when the grace is over', async () => {
    await using opened = await openRig();
    const { rig, drain } = opened;
    const job = await rig.submit(planOf('short', details));
    const run = await rig.puppets.begun(job, 'short');
    run.endWhenStopped();
    const drained = drain();
    rig.clock.advance(graceMs - 1);
    expect(run.attempt.signal.aborted).toBe(false);
    rig.clock.advance(1);
    await drained;
    expect(await rig.node(job, 'short')).toMatchObject({ phase: 'ready', excusedCount: 1 });
  });

  it('is over at once when somebody is in a hurry', async () => {
    await using opened = await openRig();
    const { rig, hurry, drain } = opened;
    const job = await rig.submit(planOf('short', details));
    const run = await rig.puppets.begun(job, 'short');
    run.endWhenStopped();
    const drained = drain();
    hurry.abort();
    await drained;
    expect(await rig.node(job, 'short')).toMatchObject({ phase: 'ready', excusedCount: 1 });
    expect(rig.clock.pending).toBe(0);
  });

  it('starts nothing of a job that still comes', async () => {
    await using opened = await openRig();
    const { rig, drain } = opened;
    const first = await rig.submit(planOf('short', details));
    const run = await rig.puppets.begun(first, 'short');
    const drained = drain();
    const second = await rig.submit(planOf('short', details));
    await run.succeed();
    await drained;
    expect(await rig.node(second, 'short')).toMatchObject({ phase: 'ready', attempt: 0 });
    expect(rig.puppets.begins).toEqual(['short 1']);
  });

  it('still stops what a cancel stops', async () => {
    await using opened = await openRig();
    const { rig, drain } = opened;
    const job = await rig.submit(planOf('short', details));
    const run = await rig.puppets.begun(job, 'short');
    run.endWhenStopped();
    const drained = drain();
    await rig.service.cancel(job);
    await drained;
    expect((await rig.job(job)).phase).toBe('cancelled');
  });

  it('leaves a job to the next start, which goes on where it was', async () => {
    await using opened = await openRig();
    const { directory, rig, drain } = opened;
    const job = await rig.submit(planOf('short; long:short', details));
    await rig.succeed(job, 'short');
    (await rig.puppets.begun(job, 'long')).endWhenStopped();
    await drain();
    await rig.close();

    await using after = await JobRig.open({ directory });
    await after.succeed(job, 'long', 2);
    expect((await after.ended(job)).phase).toBe('succeeded');
    expect(after.puppets.begins).toEqual(['long 2']);
  });
});
