import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import { StoreError, storeRetryMs } from '../../../src/store/store-error.ts';
import type { Store } from '../../../src/store/store.ts';
import { overriding } from '../../fakes/overriding.ts';
import { planOf } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** A store whose transactions fail, rolled back, while the test says so. */
class TroubledStore {
  isFull = false;
  /** Transactions that failed so far. */
  failed = 0;
  #onFailed: () => void = () => {};

  wrap(store: Store): Store {
    return overriding(store, {
      transaction: (body, durability) =>
        store.transaction(async (tx) => {
          const value = await body(tx);
          if (!this.isFull) return value;
          this.failed += 1;
          this.#onFailed();
          throw new StoreError(failure('storage', 'The disk of the database is full.'));
        }, durability),
    });
  }

  /** Resolves with the next transaction that fails, once those who wait for it know. */
  async nextFailure(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onFailed = resolve;
    await promise;
    await new Promise(setImmediate);
  }
}

async function openTroubled(path: string) {
  const trouble = new TroubledStore();
  const rig = await JobRig.open({ directory: path, wrapStore: (store) => trouble.wrap(store) });
  return { trouble, rig };
}

describe('while the store can not be written', () => {
  it('an outcome is kept and stored once it can', async () => {
    await using directory = await createTempDirectory();
    const { trouble, rig } = await openTroubled(directory.path);
    const job = await rig.submit(planOf('a; b:a'));
    const run = await rig.puppets.begun(job, 'a');
    trouble.isFull = true;
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const failing = trouble.nextFailure();
      if (attempt === 1) await run.succeed();
      else rig.clock.advance(storeRetryMs);
      await failing;
    }
    expect((await rig.node(job, 'a')).phase).toBe('running');
    trouble.isFull = false;
    rig.clock.advance(storeRetryMs);
    await rig.succeed(job, 'b');
    expect((await rig.ended(job)).phase).toBe('succeeded');
    expect(trouble.failed).toBe(3);
    await rig.close();
  });

  it('nothing is started that is not stored as started', async () => {
    await using directory = await createTempDirectory();
    const { trouble, rig } = await openTroubled(directory.path);
    const job = await rig.submit(planOf('a; b:a'));
    const run = await rig.puppets.begun(job, 'a');
    await rig.running(job);
    const other = await rig.submit(planOf('a'));
    await rig.puppets.begun(other, 'a');
    trouble.isFull = true;
    const failing = trouble.nextFailure();
    await run.succeed();
    await failing;
    expect(rig.puppets.begins).toEqual(['a 1', 'a 1']);
    await rig.close();
  });

  it('a stop does not wait for it', async () => {
    await using directory = await createTempDirectory();
    const { trouble, rig } = await openTroubled(directory.path);
    const job = await rig.submit(planOf('a'));
    const run = await rig.puppets.begun(job, 'a');
    trouble.isFull = true;
    const failing = trouble.nextFailure();
    await run.succeed();
    await failing;
    await rig.worker.stop();
    trouble.isFull = false;
    await rig.close();

    await using after = await JobRig.open({ directory: directory.path });
    await after.succeed(job, 'a', 2);
    expect((await after.ended(job)).phase).toBe('succeeded');
  });

  it('a due retry comes later', async () => {
    await using directory = await createTempDirectory();
    const { trouble, rig } = await openTroubled(directory.path);
    const job = await rig.submit(planOf('a'));
    (await rig.puppets.begun(job, 'a')).fail('tool');
    await rig.delayed(job, 'a');
    trouble.isFull = true;
    const failing = trouble.nextFailure();
    rig.clock.advance(10_000);
    await failing;
    trouble.isFull = false;
    rig.clock.advance(storeRetryMs);
    await rig.succeed(job, 'a', 2);
    expect((await rig.ended(job)).phase).toBe('succeeded');
    await rig.close();
  });

  it('a job is refused with the reason, and leaves nothing', async () => {
    await using directory = await createTempDirectory();
    const { trouble, rig } = await openTroubled(directory.path);
    trouble.isFull = true;
    const jobId = 'B'.repeat(22);
    const upload = await rig.upload(jobId);
    const refused = await rig.service.submit({
      jobId,
      upload,
      pipeline: 'standard',
      params: {},
      priority: 0,
    });
    expect(refused).toMatchObject({ ok: false, error: { code: 'storage' } });
    expect(await rig.service.get(jobId)).toMatchObject({ error: { code: 'not_found' } });
    expect(await rig.dispatch.pendingCount()).toBe(0);
    trouble.isFull = false;
    await rig.close();
  });
});
