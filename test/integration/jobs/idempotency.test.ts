import { describe, expect, it } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import { newJobId } from '../../../src/base/ids.ts';
import type { SubmitRequest } from '../../../src/jobs/job-service.ts';
import { keepForEver } from '../../../src/jobs/retention.ts';
import { overriding } from '../../fakes/overriding.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

async function submit(rig: JobRig, changes: Partial<SubmitRequest> = {}) {
  const jobId = newJobId();
  const upload = await rig.upload(jobId);
  const request = { jobId, upload, pipeline: 'standard', params: {}, priority: 0 };
  return rig.service.submit({ ...request, idempotencyKey: 'k', ...changes });
}

async function idOf(submitted: ReturnType<typeof submit>): Promise<string> {
  const job = await submitted;
  assert(job.ok, 'the request is accepted');
  return job.value.state.id;
}

const reused = { ok: false, error: { code: 'idempotency_key_reused' } };

describe('a key', () => {
  it('makes one job of twenty requests at once, and all get it', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, unfinishedMax: 20 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => idOf(submit(rig))));
    expect(new Set(ids).size).toBe(1);
    expect(await rig.store.listUnfinishedJobIds()).toEqual([ids[0]]);
    expect(await idOf(submit(rig))).toBe(ids[0]);
  });

  it('stands for one film and its options', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const first = await idOf(submit(rig));
    for (const change of [{ params: { language: 'en' } }, { priority: 1 }, { usesCache: false }]) {
      expect(await submit(rig, change)).toMatchObject(reused);
    }
    const upload = { ...(await rig.upload(newJobId())), sha256: 'cd'.repeat(32) };
    expect(await submit(rig, { upload })).toMatchObject(reused);
    expect(await idOf(submit(rig, { tenant: 'acme' }))).not.toBe(first);
  });

  it('is answered also when no further job is taken', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, unfinishedMax: 1 });
    const first = await idOf(submit(rig));
    expect(await submit(rig, { idempotencyKey: 'other' })).toMatchObject({
      error: { code: 'unavailable' },
    });
    expect(await idOf(submit(rig))).toBe(first);
  });

  it('is not used up by a job that could not be stored', async () => {
    await using directory = await createTempDirectory();
    let isBroken = true;
    await using rig = await JobRig.open({
      directory: directory.path,
      wrapStore: (store) =>
        overriding(store, {
          transaction: (body, durability) =>
            store.transaction(
              (tx) =>
                body(
                  overriding(tx, {
                    appendNotices: (jobId, notices) => {
                      if (isBroken) throw new Error('broken behind the claim');
                      return tx.appendNotices(jobId, notices);
                    },
                  }),
                ),
              durability,
            ),
        }),
    });
    await expect(submit(rig)).rejects.toThrow('broken behind the claim');
    expect(await rig.store.findKey('default', 'k')).toBeUndefined();
    isBroken = false;
    expect(await idOf(submit(rig))).toMatch(/./);
  });

  it('is known after a restart', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    const first = await idOf(submit(before));
    await before.close();
    await using after = await JobRig.open({ directory: directory.path });
    expect(await idOf(submit(after))).toBe(first);
  });

  it('is free once its job is deleted', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const first = await idOf(submit(rig));
    (await rig.puppets.begun(first, 'validate')).endWhenStopped();
    await rig.service.delete(first);
    expect(await rig.service.findByKey({ key: 'k' })).toEqual({ ok: true, value: undefined });
    expect(await idOf(submit(rig))).not.toBe(first);
  });

  it('is forgotten when its time is over', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      retention: { ...keepForEver, keysMs: 1000 },
    });
    const first = await idOf(submit(rig));
    rig.clock.advance(999);
    await rig.janitor.tidy();
    expect(await idOf(submit(rig))).toBe(first);
    rig.clock.advance(1);
    await rig.janitor.tidy();
    expect(await idOf(submit(rig))).not.toBe(first);
  });
});
