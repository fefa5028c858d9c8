import { existsSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JobEvent } from '../../../src/scheduler/event.ts';
import type { Durability, Store } from '../../../src/store/store.ts';
import { overriding } from '../../fakes/overriding.ts';
import { planOf } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** A store whose transactions break, when the test says so, after all writes but one. */
function breakable(store: Store, shouldBreak: () => boolean): Store {
  return overriding(store, {
    transaction: (body, durability) =>
      store.transaction(
        (tx) =>
          body(
            overriding(tx, {
              appendNotices: (jobId, notices) => {
                if (shouldBreak()) throw new Error('broken in the middle');
                return tx.appendNotices(jobId, notices);
              },
            }),
          ),
        durability,
      ),
  });
}

function succeeded(nodeId: string, attempt = 1): JobEvent {
  return { type: 'attempt-succeeded', atMs: 0, nodeId, attempt, artifacts: [], warnings: [] };
}

/** A store that notes what each transaction survives. */
function noting(store: Store, durabilities: Durability[]): Store {
  return overriding(store, {
    transaction: (body, durability = 'disk') => {
      durabilities.push(durability);
      return store.transaction(body, durability);
    },
  });
}

describe('a transition', () => {
  it('is stored with its notices and offers, or not at all', async () => {
    await using directory = await createTempDirectory();
    let isBroken = false;
    await using rig = await JobRig.open({
      directory: directory.path,
      wrapStore: (store) => breakable(store, () => isBroken),
    });
    const job = await rig.submit(planOf('a; b:a'));
    await rig.puppets.begun(job, 'a');
    const before = await rig.store.readJob(job);
    isBroken = true;
    await expect(rig.engine.apply(job, [succeeded('a')])).rejects.toThrow('in the middle');
    expect(await rig.store.readJob(job)).toEqual(before);
    expect(await rig.dispatch.pendingCount()).toBe(0);
    isBroken = false;
    // The lease is still there, so the attempt's end counts the second time.
    await rig.engine.apply(job, [succeeded('a')]);
    await rig.succeed(job, 'b');
    expect((await rig.ended(job)).phase).toBe('succeeded');
  });

  it('waits for the disk, unless it only tells that attempts started', async () => {
    await using directory = await createTempDirectory();
    const durabilities: Durability[] = [];
    const wrapStore = (store: Store): Store => noting(store, durabilities);
    await using rig = await JobRig.open({ directory: directory.path, wrapStore });
    const during = async (act: () => Promise<unknown>): Promise<readonly Durability[]> => {
      durabilities.length = 0;
      await act();
      return [...durabilities];
    };
    let job = '';
    const begun = (nodeId: string) => rig.puppets.begun(job, nodeId);
    expect(
      await during(async () => {
        job = await rig.submit(planOf('a; b:a'));
        await begun('a');
      }),
    ).toEqual(['disk', 'process']);
    expect(
      await during(async () => {
        await rig.succeed(job, 'a');
        await begun('b');
      }),
    ).toEqual(['disk', 'process']);
    expect(await during(() => rig.engine.apply(job, []))).toEqual(['disk']);
    const [cancelled] = await during(() => rig.service.cancel(job));
    expect(cancelled).toBe('disk');
  });

  it('does not come of the end of an attempt whose lease was fenced', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b:a'));
    const run = await rig.puppets.begun(job, 'a');
    await rig.store.transaction((tx) => rig.dispatch.withdraw(tx, job, 'a'));
    const { state } = await rig.engine.apply(job, [succeeded('a')]);
    expect(state.nodes.map(({ phase }) => phase)).toEqual(['running', 'waiting']);
    run.endWhenStopped();
  });

  it('counts once, however often its event comes', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b:a'));
    await rig.succeed(job, 'a');
    await rig.puppets.begun(job, 'b');
    const before = await rig.store.readNotices({ jobId: job, afterSequence: 0, limit: 100 });
    await rig.engine.apply(job, [succeeded('a'), succeeded('a')]);
    const after = await rig.store.readNotices({ jobId: job, afterSequence: 0, limit: 100 });
    expect(after).toEqual(before);
  });

  it('needs a job', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    await expect(rig.engine.apply('nobody', [succeeded('a')])).rejects.toThrow('job nobody');
  });
});

describe('the end of a job', () => {
  it('is told once, after it is stored, and close waits for what follows it', async () => {
    await using directory = await createTempDirectory();
    const rig = await JobRig.open({ directory: directory.path });
    const gate = Promise.withResolvers<void>();
    const told: string[] = [];
    rig.engine.onEnd(async ({ id, phase }) => {
      told.push(`${id} ${phase}, stored as ${(await rig.job(id)).phase}`);
      await gate.promise;
      told.push('done');
    });
    const job = await rig.submit(planOf('a'));
    await rig.succeed(job, 'a');
    await rig.ended(job);
    const closing = rig.engine.close();
    gate.resolve();
    await closing;
    expect(told).toEqual([`${job} succeeded, stored as succeeded`, 'done']);
    await rig.close();
  });

  it('stands, whatever goes wrong behind it', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    rig.engine.onEnd(() => Promise.reject(new Error('no')));
    rig.engine.onEnd(() => {
      throw new Error('no');
    });
    const job = await rig.submit(planOf('a'));
    await rig.succeed(job, 'a');
    expect((await rig.ended(job)).phase).toBe('succeeded');
    await rig.engine.close();
    const message = 'what follows the end of a job failed';
    expect(rig.errors).toEqual([message, message]);
  });
});

describe('recovery', () => {
  it('leaves a job alone that it can not take up, and goes on with the others', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const [first, second] = [await before.submit(planOf('a')), await before.submit(planOf('a'))];
    for (const job of [first, second]) await before.puppets.begun(job, 'a');
    await before.close();

    let recovered = 0;
    await using after = await JobRig.open({
      directory: directory.path,
      wrapStore: (store) => breakable(store, () => (recovered += 1) === 1),
    });
    expect(after.errors).toEqual(['an unfinished job could not be taken up']);
    const [taken] = await after.puppets.waiting();
    const other = taken?.attempt.jobId === first ? second : first;
    expect(taken?.attempt.attempt).toBe(2);
    expect(await after.node(other, 'a')).toMatchObject({ phase: 'ready', attempt: 1 });
    expect(after.puppets.runs).toHaveLength(1);
  });
});

describe('a job that ends while it is taken up', () => {
  it('has nothing published either', async () => {
    await using directory = await createTempDirectory();
    let job = '';
    {
      await using rig = await JobRig.open({ directory: directory.path });
      job = await rig.submit(planOf('a; b:a'));
      await rig.succeed(job, 'a');
      await rig.puppets.begun(job, 'b');
      await rig.engine.cancel(job);
      const stored = await rig.store.readJob(job);
      expect(stored?.state).toMatchObject({ phase: 'running', isCancelling: true });
      // As a kill leaves it: nothing of the attempt's end is told any more.
      await cp(directory.path, `${directory.path}-killed`, { recursive: true });
      (await rig.puppets.begun(job, 'b')).fail('cancelled');
    }
    const killed = `${directory.path}-killed`;
    onTestFinished(() => rm(killed, { recursive: true }));
    const published = join(killed, 'storage', job, 'half.mp4');
    await mkdir(dirname(published), { recursive: true });
    await writeFile(published, 'half');
    await using rig = await JobRig.open({ directory: killed });
    expect((await rig.ended(job)).phase).toBe('cancelled');
    await rig.janitor.tidy();
    expect(existsSync(published)).toBe(false);
  });
});
