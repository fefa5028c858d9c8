import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stopGraceMs } from '../../../src/worker/attempt.ts';
import { hostOf } from '../../fakes/makespan.ts';
import { planOf } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const audio = { files: [{ name: 'sound', role: 'audio' }] };

describe('a cancel', () => {
  it('ends what runs, and what waited for its cores starts', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(1) });
    const first = await rig.submit(planOf('a; b:a'));
    const running = await rig.puppets.begun(first, 'a');
    const second = await rig.submit(planOf('a'));
    expect(await rig.running(second)).toEqual([]);
    running.endWhenStopped();
    const cancelled = await rig.service.cancel(first);
    expect(cancelled).toMatchObject({ ok: true, value: { state: { isCancelling: true } } });
    await rig.puppets.begun(second, 'a');
    const { phase, nodes } = await rig.ended(first);
    expect(phase).toBe('cancelled');
    expect(nodes.map((node) => node.phase)).toEqual(['cancelled', 'cancelled']);
    expect(existsSync(running.attempt.outputDirectory)).toBe(false);
  });

  it('ends a job that has not started at once', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(1) });
    const busy = await rig.submit(planOf('a'));
    await rig.puppets.begun(busy, 'a');
    const waiting = await rig.submit(planOf('a'));
    const cancelled = await rig.service.cancel(waiting);
    expect(cancelled).toMatchObject({ ok: true, value: { state: { phase: 'cancelled' } } });
    await rig.succeed(busy, 'a');
    await rig.running(busy);
    expect(rig.puppets.begins).toEqual(['a 1']);
  });

  it('wins over a success that comes after it, whose files go away', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a', { a: { params: audio } }));
    const run = await rig.puppets.begun(job, 'a');
    await rig.service.cancel(job);
    expect(run.attempt.signal.aborted).toBe(true);
    await run.succeed();
    expect((await rig.ended(job)).phase).toBe('cancelled');
    await rig.worker.stop();
    expect(await rig.outputs(job)).toEqual([]);
  });

  it('ends also where the kind never does, after a grace, and frees its cores', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(1) });
    const job = await rig.submit(planOf('a'));
    const run = await rig.puppets.begun(job, 'a');
    const next = await rig.submit(planOf('a'));
    await rig.service.cancel(job);
    rig.clock.advance(stopGraceMs - 1);
    expect(await rig.running(job)).toEqual(['a']);
    rig.clock.advance(1);
    expect((await rig.ended(job)).phase).toBe('cancelled');
    await rig.puppets.begun(next, 'a');
    expect(rig.errors).toEqual(['an attempt does not end; it is left to itself']);
    // It goes on after all: nobody hears of it any more.
    run.attempt.onProgress(0.5);
    expect(rig.feed.progressOf(job).size).toBe(0);
    run.throw(new Error('too late'));
  });
});

describe('a timeout', () => {
  it('ends an attempt, and is why it failed, whatever the kind says', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const plan = planOf('a', {
      a: { timeoutMs: 60_000, retry: { attemptsMax: 1, backoffMs: 0 } },
    });
    const job = await rig.submit(plan);
    const run = await rig.puppets.begun(job, 'a');
    run.endWhenStopped();
    rig.clock.advance(59_999);
    expect(run.attempt.signal.aborted).toBe(false);
    rig.clock.advance(1);
    const { phase, failure } = await rig.ended(job);
    expect(phase).toBe('failed');
    expect(failure).toMatchObject({ code: 'timeout', nodeId: 'a' });
    expect(failure?.message).toMatch(/^"a" did not end within its time limit of 1 min/);
  });

  it('counts for each attempt anew', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const plan = planOf('a', {
      a: { timeoutMs: 60_000, retry: { attemptsMax: 2, backoffMs: 0 } },
    });
    const job = await rig.submit(plan);
    (await rig.puppets.begun(job, 'a')).endWhenStopped();
    rig.clock.advance(60_000);
    const second = await rig.puppets.begun(job, 'a', 2);
    rig.clock.advance(59_999);
    expect(second.attempt.signal.aborted).toBe(false);
    await second.succeed();
    expect((await rig.ended(job)).phase).toBe('succeeded');
  });

  it('leaves a kind to itself that does not heed it', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const plan = planOf('a', { a: { timeoutMs: 1000, retry: { attemptsMax: 1, backoffMs: 0 } } });
    const job = await rig.submit(plan);
    const run = await rig.puppets.begun(job, 'a');
    rig.clock.advance(1000 + stopGraceMs);
    const { failure } = await rig.ended(job);
    expect(failure?.code).toBe('timeout');
    expect(failure?.operatorDetail).toMatch(/^the kind "test" had not ended 5/);
    run.fail('cancelled');
  });
});

describe('a failure', () => {
  it('that no retry can mend fails the job and stops the others', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b; c:a'));
    const [a, b] = [await rig.puppets.begun(job, 'a'), await rig.puppets.begun(job, 'b')];
    b.endWhenStopped();
    await writeFile(join(a.attempt.outputDirectory, 'half'), 'x');
    a.fail('corrupt');
    const { phase, failure, nodes } = await rig.ended(job);
    expect(phase).toBe('failed');
    expect(failure).toMatchObject({ code: 'corrupt', nodeId: 'a' });
    expect(nodes.map((node) => node.phase)).toEqual(['failed', 'cancelled', 'cancelled']);
    // Before the next service would clear it.
    expect(await rig.scratch()).toEqual([]);
  });

  it('of an optional node is a warning, and its dependents run', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a?; b:a'));
    (await rig.puppets.begun(job, 'a')).fail('model_missing');
    await rig.succeed(job, 'b');
    const { phase, warnings } = await rig.ended(job);
    expect(phase).toBe('succeeded');
    expect(warnings).toMatchObject([{ code: 'model_missing', nodeId: 'a' }]);
  });

  it('that may pass is tried again after its back-off, not before', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const plan = planOf('a; b:a', { a: { retry: { attemptsMax: 3, backoffMs: 4000 } } });
    const job = await rig.submit(plan);
    (await rig.puppets.begun(job, 'a')).fail('tool');
    await rig.delayed(job, 'a');
    const dueAtMs = (await rig.node(job, 'a')).dueAtMs ?? 0;
    expect(dueAtMs).toBeGreaterThanOrEqual(4000);
    rig.clock.advance(dueAtMs - 1);
    expect(await rig.running(job)).toEqual([]);
    rig.clock.advance(1);
    (await rig.puppets.begun(job, 'a', 2)).fail('tool');
    await rig.delayed(job, 'a', 2);
    rig.clock.advance(10_000);
    await rig.succeed(job, 'a', 3);
    await rig.succeed(job, 'b');
    expect((await rig.ended(job)).phase).toBe('succeeded');
  });

  it('of the last attempt is the failure of the job', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const plan = planOf('a', { a: { retry: { attemptsMax: 2, backoffMs: 0 } } });
    const job = await rig.submit(plan);
    (await rig.puppets.begun(job, 'a')).fail('storage');
    (await rig.puppets.begun(job, 'a', 2)).fail('stalled');
    expect((await rig.ended(job)).failure).toMatchObject({ code: 'stalled' });
  });

  it('leaves no retry behind when the job is cancelled meanwhile', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    (await rig.puppets.begun(job, 'a')).fail('tool');
    await rig.delayed(job, 'a');
    await rig.service.cancel(job);
    rig.clock.advance(100_000);
    await rig.running(job);
    expect(rig.puppets.begins).toEqual(['a 1']);
    expect((await rig.ended(job)).phase).toBe('cancelled');
  });
});
