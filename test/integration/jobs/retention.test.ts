import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { assert, required } from '../../../src/base/assert.ts';
import { failure } from '../../../src/base/failure.ts';
import { deletionWaitMs } from '../../../src/jobs/delete-job.ts';
import type { JobUpdate } from '../../../src/jobs/job-service.ts';
import { keepForEver, type Retention } from '../../../src/jobs/retention.ts';
import { LocalStorage } from '../../../src/storage/local-storage.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import type { Store } from '../../../src/store/store.ts';
import { overriding } from '../../fakes/overriding.ts';
import { planOf } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { watchSyncs } from '../../support/watch-syncs.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';

const never = new AbortController().signal;
const files = [
  { name: 'raw', role: 'source', product: false },
  { name: 'sound', role: 'audio' },
];
/** A node with a product and a file that only the next node needs. */
const plan = planOf('a; b:a', { a: { params: { files } } });
const notFound = { ok: false, error: { code: 'not_found' } };

function keeping(retention: Partial<Retention>): Retention {
  return { ...keepForEver, ...retention };
}

/** Runs a job to its end and stores its product, as `publish` would. */
async function finishedJob(rig: JobRig): Promise<string> {
  const job = await rig.submit(plan);
  await rig.succeed(job, 'a');
  const product = required((await rig.node(job, 'a')).artifacts[1], 'the product');
  const storage = new LocalStorage(join(rig.directory, 'storage'));
  const path = rig.workspace.absolute(product.path);
  await storage.put({ ...product, path, key: `${job}/${product.name}` }, never);
  await rig.succeed(job, 'b');
  await rig.ended(job);
  await rig.tidied;
  return job;
}

/** All files of a job, in every directory that has any. */
async function filesOf(rig: JobRig, job: string): Promise<readonly string[]> {
  const entries = await readdir(rig.directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(rig.directory.length + 1))
    .filter((path) => path.includes(job))
    .map((path) => path.replace(job, 'JOB'))
    .toSorted();
}

const whole = ['incoming/JOB/in', 'jobs/JOB/a/1/raw', 'jobs/JOB/a/1/sound', 'storage/JOB/sound'];
const productsOnly = ['jobs/JOB/a/1/sound', 'storage/JOB/sound'];

describe('the files of an ended job', () => {
  it('stay for ever where nothing else is said, and no timer runs', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await finishedJob(rig);
    expect(await filesOf(rig, job)).toEqual(whole);
    expect(rig.clock.pending).toBe(0);
  });

  it('lose upload and intermediates at the end, whatever it was, without a retention', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      retention: keeping({ sourceMs: 0 }),
    });
    const good = await finishedJob(rig);
    const [bad, unwanted] = [await rig.submit(plan), await rig.submit(plan)];
    for (const job of [bad, unwanted]) await rig.succeed(job, 'a');
    (await rig.puppets.begun(bad, 'b')).fail('corrupt');
    (await rig.puppets.begun(unwanted, 'b')).endWhenStopped();
    await rig.service.cancel(unwanted);
    await Promise.all([bad, unwanted].map((job) => rig.ended(job)));
    await rig.engine.close();
    expect(await filesOf(rig, good)).toEqual(productsOnly);
    for (const job of [bad, unwanted]) {
      expect(await filesOf(rig, job)).toEqual(['jobs/JOB/a/1/sound']);
    }
    expect(await rig.workspace.listUploads()).toEqual([]);
  });

  it('go when they are due, not earlier, each job in its turn', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      retention: keeping({ sourceMs: 1000, productsMs: 5000 }),
    });
    const first = await finishedJob(rig);
    rig.clock.advance(600);
    const second = await finishedJob(rig);

    await pass(rig, 399);
    expect(await filesOf(rig, first)).toEqual(whole);
    await pass(rig, 1);
    expect(await filesOf(rig, first)).toEqual(productsOnly);
    expect(await filesOf(rig, second)).toEqual(whole);
    await pass(rig, 600);
    expect(await filesOf(rig, second)).toEqual(productsOnly);
    await pass(rig, 3400);
    expect(await filesOf(rig, first)).toEqual([]);
    expect(await filesOf(rig, second)).toEqual(productsOnly);
    expect(rig.clock.pending).toBe(1);
    await pass(rig, 600);
    expect(await filesOf(rig, second)).toEqual([]);
    expect(rig.clock.pending).toBe(0);
  });

  it('are said to be gone: the job stays listed, its products have expired', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      retention: keeping({ productsMs: 1000 }),
    });
    const job = await finishedJob(rig);
    await pass(rig, 1000);
    const found = await rig.service.get(job);
    expect(found).toMatchObject({
      ok: true,
      value: { job: { productsRemovedAtMs: 1000, sourceRemovedAtMs: 1000 } },
    });
    expect(await rig.service.list({ limit: 9 })).toMatchObject({ value: { jobs: [{}] } });
    expect(await rig.service.openArtifact(job, 'sound')).toMatchObject({
      ok: false,
      error: { code: 'expired' },
    });
  });

  it('make no retry possible once the upload is gone', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      retention: keeping({ sourceMs: 1000 }),
    });
    const job = await rig.submit(plan);
    await rig.succeed(job, 'a');
    (await rig.puppets.begun(job, 'b')).fail('corrupt');
    await rig.ended(job);
    await rig.tidied;
    await pass(rig, 1000);
    expect(await rig.service.retry(job)).toMatchObject({ ok: false, error: { code: 'conflict' } });
  });

  it('that became due while the service was down go at its next start', async () => {
    await using directory = await createTempDirectory();
    const retention = keeping({ sourceMs: 1000 });
    const before = await JobRig.open({ directory: directory.path, retention });
    const job = await finishedJob(before);
    await before.close();
    const clock = new ManualClock();
    clock.advance(1000);
    await using after = await JobRig.open({ directory: directory.path, retention, clock });
    expect(await filesOf(after, job)).toEqual(productsOnly);
  });

  it.runIf(process.platform === 'linux')('go for good, the upload last of all', async () => {
    await using directory = await createTempDirectory();
    const retention = keeping({ sourceMs: 1000 });
    await using rig = await JobRig.open({ directory: directory.path, retention });
    const job = await finishedJob(rig);
    using watch = await watchSyncs();
    await pass(rig, 1000);
    const inside = watch.syncs.map(({ path, names }) => [
      path.slice(directory.path.length + 1),
      ...names,
    ]);
    expect(inside).toEqual([[`jobs/${job}/a/1`, 'sound'], ['incoming']]);
  });

  it('that a power failure brought back after their removal go at the next start', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({
      directory: directory.path,
      retention: keeping({ sourceMs: 0 }),
    });
    const job = await finishedJob(before);
    await before.close();
    const back = ['incoming/JOB/in', 'jobs/JOB/a/1/raw', 'jobs/JOB/a/7/stale'];
    for (const path of back.map((each) => join(directory.path, each.replace('JOB', job)))) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, 'back again');
    }

    await using after = await JobRig.open({ directory: directory.path });
    expect(await after.store.listRemovals({ limit: 9 })).toEqual([]);
    expect(await filesOf(after, job)).toEqual(productsOnly);
    expect(await after.workspace.listUploads()).toEqual([]);
  });

  it('are removed in more than one batch', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      retention: keeping({ sourceMs: 1000 }),
    });
    const jobs: string[] = [];
    for (let count = 0; count < 120; count += 1) {
      const job = await rig.submit(planOf('a'));
      await rig.succeed(job, 'a');
      jobs.push(job);
    }
    for (const job of jobs) await rig.ended(job);
    await pass(rig, 1000);
    expect(await rig.workspace.listUploads()).toEqual([]);
  });

  it('that cannot be removed are tried again, and the others are not kept waiting', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      retention: keeping({ sourceMs: 1000 }),
    });
    const [stuck, other] = [await finishedJob(rig), await finishedJob(rig)].toSorted();
    assert(stuck !== undefined && other !== undefined, 'there are two jobs');
    // A file where a directory is meant to be read: no user, root neither, gets past it.
    const jobDirectory = join(directory.path, 'jobs', stuck);
    const aside = join(directory.path, 'aside');
    await rename(jobDirectory, aside);
    await writeFile(jobDirectory, 'in the way');
    await pass(rig, 1000);
    expect(rig.errors).toEqual(['files could not be removed; trying again later']);
    expect(await filesOf(rig, other)).toEqual(productsOnly);
    await rm(jobDirectory);
    await rename(aside, jobDirectory);
    await pass(rig, 60_000);
    expect(await filesOf(rig, stuck)).toEqual(productsOnly);
  });
});

describe('deleting a job', () => {
  it('removes every file and row of it, and none of another', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const [job, other] = [await finishedJob(rig), await finishedJob(rig)];
    const otherBefore = await rig.store.readJob(other);
    expect(await rig.service.delete(job)).toEqual({ ok: true, value: 'removed' });
    expect(await filesOf(rig, job)).toEqual([]);
    expect(existsSync(join(directory.path, 'jobs', job))).toBe(false);
    expect(await rig.service.get(job)).toMatchObject(notFound);
    expect(await rig.service.cancel(job)).toMatchObject(notFound);
    expect(await rig.service.openArtifact(job, 'sound')).toMatchObject(notFound);
    expect(await rig.service.delete(job)).toMatchObject(notFound);
    expect(await rig.store.transaction((tx) => tx.loadJob(job))).toBeUndefined();
    expect(await filesOf(rig, other)).toEqual(whole);
    expect(await rig.store.readJob(other)).toEqual(otherBefore);
    expect(rig.clock.pending).toBe(0);
  });

  it('ends what runs first, and gives its cores back', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, unfinishedMax: 2 });
    const job = await rig.submit(planOf('a; b:a'));
    const run = await rig.puppets.begun(job, 'a');
    run.endWhenStopped();
    expect(await rig.service.delete(job)).toEqual({ ok: true, value: 'removed' });
    expect(run.attempt.signal.aborted).toBe(true);
    expect(await filesOf(rig, job)).toEqual([]);
    expect(await rig.scratch()).toEqual([]);
    const next = await rig.submit(planOf('c'));
    await rig.succeed(next, 'c');
    expect((await rig.ended(next)).phase).toBe('succeeded');
    expect(rig.engine.checkRoom().ok).toBe(true);
    expect(rig.errors).toEqual([]);
  });

  it('of a job that sits out a delay leaves no timer that looks for it', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const delayed = planOf('a', { a: { retry: { attemptsMax: 2, backoffMs: 60_000 } } });
    const job = await rig.submit(delayed);
    (await rig.puppets.begun(job, 'a')).fail('tool');
    await rig.delayed(job, 'a');
    expect(await rig.service.delete(job)).toEqual({ ok: true, value: 'removed' });
    expect(rig.clock.pending).toBe(0);
    rig.clock.advance(120_000);
    expect(rig.errors).toEqual([]);
  });

  it('does not wait longer than ten seconds, hides the job at once and goes on', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(plan);
    await rig.succeed(job, 'a');
    const run = await rig.puppets.begun(job, 'b');
    const deleting = rig.service.delete(job);
    await stoppedBy(run.attempt.signal);
    rig.clock.advance(deletionWaitMs / 4);
    expect(await rig.service.get(job)).toMatchObject(notFound);
    expect(await filesOf(rig, job)).not.toEqual([]);
    // A kind that does not end is given up after five seconds, which the test's clock skips.
    const gone = rig.janitor.deleted(job);
    rig.clock.advance(deletionWaitMs);
    expect(await deleting).toEqual({ ok: true, value: 'removing' });
    await gone;
    expect(await filesOf(rig, job)).toEqual([]);
    run.fail('cancelled');
  });

  it('ends those who follow it', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    const run = await rig.puppets.begun(job, 'a');
    run.endWhenStopped();
    const told: JobUpdate[] = [];
    const following = (async () => {
      for await (const update of rig.service.follow(job, 0, never)) told.push(update);
    })();
    await rig.service.delete(job);
    await following;
    expect(told).not.toEqual([]);
  });

  it('that a crash cut off anywhere is finished by the next start', async () => {
    const order = ['storage', 'jobs', 'incoming'];
    for (let removed = 0; removed <= order.length; removed += 1) {
      await using directory = await createTempDirectory();
      const before = await JobRig.open({ directory: directory.path });
      const [job, other] = [await finishedJob(before), await finishedJob(before)];
      await before.store.transaction((tx) => tx.markDeleted(job, 0));
      await before.close();
      for (const name of order.slice(0, removed)) {
        await rm(join(directory.path, name, job), { recursive: true });
      }

      await using after = await JobRig.open({ directory: directory.path });
      expect(await filesOf(after, job)).toEqual([]);
      expect(await after.store.transaction((tx) => tx.loadJob(job))).toBeUndefined();
      expect(await after.store.listRemovals({ limit: 9 })).toEqual([]);
      expect(await filesOf(after, other)).toEqual(whole);
    }
  });

  it('of a running job that a crash cut off is finished by the next start', async () => {
    await using directory = await createTempDirectory();
    let isDead = false;
    const before = await JobRig.open({
      directory: directory.path,
      wrapStore: (store) => mortal(store, () => isDead),
    });
    const job = await before.submit(plan);
    await before.succeed(job, 'a');
    const run = await before.puppets.begun(job, 'b');
    const deleting = before.service.delete(job);
    await stoppedBy(run.attempt.signal);
    isDead = true;
    await before.close();
    expect(await deleting).toEqual({ ok: true, value: 'removing' });

    await using after = await JobRig.open({ directory: directory.path });
    expect(await after.service.get(job)).toMatchObject(notFound);
    expect(after.puppets.begins).toEqual([]);
    expect(await filesOf(after, job)).toEqual([]);
    expect(await after.store.listUnfinishedJobIds()).toEqual([]);
  });
});

/** A store that can write nothing any more, once the test says so. */
function mortal(store: Store, isDead: () => boolean): Store {
  return overriding(store, {
    transaction: (body, durability) => {
      if (isDead()) throw new StoreError(failure('unavailable', 'The database is gone.'));
      return store.transaction(body, durability);
    },
  });
}

/** Lets time pass and waits for what is due by then. */
async function pass(rig: JobRig, durationMs: number): Promise<void> {
  rig.clock.advance(durationMs);
  await rig.janitor.tidy();
}

async function stoppedBy(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

describe('what a job without success had published', () => {
  it('goes before a retry begins, and is not taken for what that publishes', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(plan);
    await rig.succeed(job, 'a');
    const removeJob = vi.spyOn(rig.storage, 'removeJob');
    const isFull = failure('storage', 'The storage does not answer.');
    removeJob.mockResolvedValueOnce({ ok: false, error: isFull });
    (await rig.puppets.begun(job, 'b')).fail('corrupt');
    await rig.ended(job);
    await rig.tidied;
    expect(await rig.store.listRemovals({ limit: 9 })).toHaveLength(1);

    const removal = heldRemoval(rig);
    const tidied = rig.janitor.tidy();
    await removal.asked;
    let isRetried = false;
    const retried = rig.service.retry(job).finally(() => (isRetried = true));
    await rig.service.get(job);
    expect(isRetried).toBe(false);
    removal.answer();
    expect(await retried).toMatchObject({ ok: true });
    await tidied;
    removeJob.mockClear();
    await rig.succeed(job, 'b', 2);
    expect((await rig.ended(job)).phase).toBe('succeeded');
    await rig.janitor.tidy();
    expect(removeJob).not.toHaveBeenCalled();
  });

  it('and what other jobs leave to be removed keeps no retry waiting', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const [other, job] = [await finishedJob(rig), await rig.submit(plan)];
    await rig.succeed(job, 'a');
    const removal = heldRemoval(rig);
    const deleting = rig.service.delete(other);
    await removal.asked;
    (await rig.puppets.begun(job, 'b')).fail('corrupt');
    await rig.ended(job);
    expect(await rig.service.retry(job)).toMatchObject({ ok: true });
    removal.answer();
    expect(await deleting).toMatchObject({ ok: true });
    await rig.succeed(job, 'b', 2);
    expect((await rig.ended(job)).phase).toBe('succeeded');
  });
});

/** Lets the next removal in the storage wait for the test. */
function heldRemoval(rig: JobRig) {
  const { promise: asked, resolve: tellAsked } = Promise.withResolvers<undefined>();
  const { promise: answered, resolve } = Promise.withResolvers<undefined>();
  vi.spyOn(rig.storage, 'removeJob').mockImplementationOnce(async () => {
    tellAsked(undefined);
    await answered;
    return { ok: true, value: undefined };
  });
  return { asked, answer: () => resolve(undefined) };
}
