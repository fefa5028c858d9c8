import { describe, expect, test } from 'vitest';
import type { IdempotencyKey, Removal, Store } from '../../../src/store/store.ts';
import { jobOf, noticeAt } from './sample-jobs.ts';
import { withNewStore, type StoreHarness } from './store-harness.ts';

/** What every store promises about files that expire, jobs that are deleted and keys of requests. */
export function describeRetention(harness: StoreHarness): void {
  const withStore = (body: (store: Store) => Promise<void>) => withNewStore(harness, body);

  describe(`${harness.name}: files of ended jobs`, () => {
    test('are known by the end that came first, and not before a job has ended', async () => {
      await withStore(async (store) => {
        expect(await store.nextEnd('source')).toBeUndefined();
        await insertEnded(store, { running: undefined });
        expect(await store.nextEnd('source')).toBeUndefined();
        await insertEnded(store, { late: 900, early: 100 });
        expect(await store.nextEnd('source')).toBe(100);
        expect(await store.nextEnd('products')).toBe(100);
      });
    });

    test('expire oldest first, a bounded number at a time, each once', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { c: 300, a: 100, b: 200, d: 400, running: undefined });
        const first = await expire(store, 'source', { endedUntilMs: 300, limit: 2 });
        expect(first.toSorted()).toEqual(['a', 'b']);
        expect(await store.nextEnd('source')).toBe(300);
        expect(await expire(store, 'source', { endedUntilMs: 300, limit: 2 })).toEqual(['c']);
        expect(await expire(store, 'source', { endedUntilMs: 300, limit: 2 })).toEqual([]);
        expect(await store.nextEnd('source')).toBe(400);
        expect(await store.readJob('a')).toMatchObject({ sourceRemovedAtMs: 5000 });
        expect(await store.readJob('d')).not.toHaveProperty('sourceRemovedAtMs');
        expect(await store.nextEnd('products')).toBe(100);
      });
    });

    test('take the source along when the products expire, and keep its earlier time', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: 100, b: 200 });
        await expire(store, 'source', { endedUntilMs: 100 });
        await expire(store, 'products', { endedUntilMs: 200, atMs: 9000 });
        const times = { productsRemovedAtMs: 9000 };
        expect(await store.readJob('a')).toMatchObject({ ...times, sourceRemovedAtMs: 5000 });
        expect(await store.readJob('b')).toMatchObject({ ...times, sourceRemovedAtMs: 9000 });
        expect(await store.nextEnd('source')).toBeUndefined();
        expect(await store.nextEnd('products')).toBeUndefined();
      });
    });

    test('stay listed as removals until they are finished, page by page', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: 100, b: 200, c: 300 });
        await expire(store, 'source', { endedUntilMs: 300 });
        await expire(store, 'products', { endedUntilMs: 100 });
        const all: readonly Removal[] = [
          { jobId: 'a', scope: 'products' },
          { jobId: 'a', scope: 'source' },
          { jobId: 'b', scope: 'source' },
          { jobId: 'c', scope: 'source' },
        ];
        const page = await store.listRemovals({ limit: 3 });
        expect(page).toEqual(all.slice(0, 3));
        const [, , third] = page;
        expect(await store.listRemovals({ limit: 3, ...(third && { after: third }) })).toEqual(
          all.slice(3),
        );
        await store.transaction((tx) => tx.finishRemoval({ jobId: 'a', scope: 'products' }));
        expect(await store.listRemovals({ limit: 9 })).toEqual(all.slice(1));
        expect(await store.readJob('a')).toBeDefined();
      });
    });
  });

  describe(`${harness.name}: files that are listed for their removal`, () => {
    test('are listed once, from the end of their job on, until they are forgotten', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: 100, b: undefined });
        const removal = { jobId: 'a', scope: 'published' } as const;
        await store.transaction((tx) => tx.addRemoval(removal));
        await store.transaction((tx) => tx.addRemoval(removal));
        await store.transaction((tx) => tx.addRemoval({ ...removal, jobId: 'b' }));
        expect(await store.listRemovals({ limit: 9 })).toEqual([removal]);
        await store.transaction((tx) => tx.finishRemoval(removal));
        expect(await store.listRemovals({ limit: 9 })).toEqual([]);
        expect(await store.readJob('a')).toBeDefined();
      });
    });
  });

  describe(`${harness.name}: deleting`, () => {
    test('hides a job at once, and removes every row of it, and no other, at its end', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: 100, b: 200 });
        await store.transaction((tx) => tx.appendNotices('a', [noticeAt(1), noticeAt(2)]));
        await store.transaction((tx) => tx.appendNotices('b', [noticeAt(1)]));
        await claim(store, { key: 'key-b', jobId: 'b' });
        const other = await store.readJob('b');

        expect(await markDeleted(store, 'a')).toBe(true);
        expect(await store.readJob('a')).toBeUndefined();
        expect((await store.listJobs({ limit: 9 })).jobs.map(({ state }) => state.id)).toEqual([
          'b',
        ]);
        expect(await store.transaction((tx) => tx.loadJob('a'))).toBeDefined();
        expect(await store.listRemovals({ limit: 9 })).toEqual([{ jobId: 'a', scope: 'job' }]);
        expect(await store.nextEnd('source')).toBe(200);

        await store.transaction((tx) => tx.finishRemoval({ jobId: 'a', scope: 'job' }));
        expect(await store.transaction((tx) => tx.loadJob('a'))).toBeUndefined();
        expect(await noticesOf(store, 'a')).toHaveLength(0);
        expect(await store.listRemovals({ limit: 9 })).toEqual([]);
        expect(await store.readJob('b')).toEqual(other);
        expect(await noticesOf(store, 'b')).toHaveLength(1);
        expect(await store.findKey('default', 'key-b')).toMatchObject({ jobId: 'b' });
      });
    });

    test('happens once, and not to a job that is not there', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: 100 });
        expect(await markDeleted(store, 'a')).toBe(true);
        expect(await markDeleted(store, 'a')).toBe(false);
        expect(await markDeleted(store, 'b')).toBe(false);
      });
    });

    test('waits for the end of a job that still runs', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: undefined });
        expect(await markDeleted(store, 'a')).toBe(true);
        expect(await store.listRemovals({ limit: 9 })).toEqual([]);
        expect(await store.listUnfinishedJobIds()).toEqual(['a']);
        await store.transaction(async (tx) => {
          const job = await tx.loadJob('a');
          if (job === undefined) throw new Error('the job is loaded');
          const ended = { ...job.state, phase: 'cancelled', endedAtMs: 7 } as const;
          await tx.saveJob(job.state, ended);
        });
        expect(await store.listRemovals({ limit: 9 })).toEqual([{ jobId: 'a', scope: 'job' }]);
      });
    });
  });

  describe(`${harness.name}: keys of requests`, () => {
    test('belong to the first job that claims them, per tenant', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: 100, b: 200 });
        const first = await claim(store, { key: 'k', jobId: 'a', fingerprint: 'one' });
        expect(first).toMatchObject({ jobId: 'a', fingerprint: 'one' });
        expect(await claim(store, { key: 'k', jobId: 'b', fingerprint: 'two' })).toEqual(first);
        expect(await claim(store, { key: 'k', jobId: 'b', tenant: 'acme' })).toMatchObject({
          jobId: 'b',
        });
        expect(await store.findKey('default', 'k')).toEqual(first);
        expect(await store.findKey('default', 'K')).toBeUndefined();
      });
    });

    test('are not claimed by a transaction that fails', async () => {
      await withStore(async (store) => {
        const claiming = store.transaction(async (tx) => {
          await tx.claimKey({ ...sampleKey, key: 'k', jobId: 'a' });
          throw new Error('the job could not be made');
        });
        await expect(claiming).rejects.toThrow('could not be made');
        expect(await store.findKey('default', 'k')).toBeUndefined();
      });
    });

    test('are free again once their job is deleted', async () => {
      await withStore(async (store) => {
        await insertEnded(store, { a: 100, b: 200 });
        await claim(store, { key: 'k', jobId: 'a' });
        await markDeleted(store, 'a');
        expect(await store.findKey('default', 'k')).toBeUndefined();
        expect(await claim(store, { key: 'k', jobId: 'b' })).toMatchObject({ jobId: 'b' });
      });
    });

    test('expire by their age', async () => {
      await withStore(async (store) => {
        expect(await store.oldestKeyMs()).toBeUndefined();
        await insertEnded(store, { a: 100 });
        for (const createdAtMs of [30, 10, 20]) {
          await claim(store, { key: `k${createdAtMs}`, jobId: 'a', createdAtMs });
        }
        expect(await store.oldestKeyMs()).toBe(10);
        await store.transaction((tx) => tx.expireKeys(20));
        expect(await store.oldestKeyMs()).toBe(30);
        expect(await store.findKey('default', 'k20')).toBeUndefined();
        expect(await store.findKey('default', 'k30')).toBeDefined();
      });
    });
  });
}

const sampleKey = { tenant: 'default', fingerprint: 'ab', createdAtMs: 1 };

/** Inserts jobs by the time of their end; those without one still run. */
async function insertEnded(
  store: Store,
  ends: Readonly<Record<string, number | undefined>>,
): Promise<void> {
  for (const [id, endedAtMs] of Object.entries(ends)) {
    const end =
      endedAtMs === undefined
        ? ({ phase: 'running' } as const)
        : ({ phase: 'succeeded', endedAtMs } as const);
    await store.transaction((tx) => tx.insertJob(jobOf(id, end)));
  }
}

function expire(
  store: Store,
  kept: 'source' | 'products',
  query: { readonly endedUntilMs: number; readonly limit?: number; readonly atMs?: number },
): Promise<readonly string[]> {
  return store.transaction((tx) => tx.expireJobs({ atMs: 5000, limit: 100, ...query, kept }));
}

function markDeleted(store: Store, jobId: string): Promise<boolean> {
  return store.transaction((tx) => tx.markDeleted(jobId, 5000));
}

function claim(
  store: Store,
  key: Pick<IdempotencyKey, 'key' | 'jobId'> & Partial<IdempotencyKey>,
): Promise<IdempotencyKey> {
  return store.transaction((tx) => tx.claimKey({ ...sampleKey, ...key }));
}

function noticesOf(store: Store, jobId: string) {
  return store.readNotices({ jobId, afterSequence: 0, limit: 100 });
}
