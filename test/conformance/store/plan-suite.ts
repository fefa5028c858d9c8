import { describe, expect, test } from 'vitest';
import type { Store, StoredJob } from '../../../src/store/store.ts';
import { jobOf, planOf } from './sample-jobs.ts';
import { withNewStore, type StoreHarness } from './store-harness.ts';

/** What every store promises about a job that goes on by another plan. */
export function describePlans(harness: StoreHarness): void {
  const withStore = (body: (store: Store) => Promise<void>) => withNewStore(harness, body);

  describe(`${harness.name}: another plan of a job`, () => {
    test('takes the place of the one before, whatever nodes that had', async () => {
      await withStore(async (store) => {
        const job = jobOf('job-a', {
          phase: 'failed',
          endedAtMs: 9,
          media: { formatName: 'mov', durationSec: 10, bytes: 1000 },
        });
        await insert(store, job);
        await insert(store, jobOf('job-b'));
        const [validate, transcode] = job.state.nodes;
        const added = { ...validate!, id: 'thumbnail' };
        const { endedAtMs: _endedAtMs, media: _media, ...live } = job.state;
        for (const nodes of [[transcode!, added, validate!], [added], [validate!, transcode!]]) {
          const before = (await store.readJob('job-a'))!.state;
          const plan = planOf(...nodes.map(({ id }) => id));
          const after = { ...live, plan, phase: 'running' as const, nodes };
          await store.transaction((tx) => tx.saveJob(before, after));
          expect(await store.readJob('job-a')).toStrictEqual({ ...job, state: after });
        }
        expect(await store.readJob('job-b')).toEqual(jobOf('job-b'));
      });
    });

    test('is stored with all its nodes or not at all', async () => {
      await withStore(async (store) => {
        const job = jobOf('job-a');
        await insert(store, job);
        const after = { ...job.state, plan: planOf('publish'), nodes: job.state.nodes.slice(2) };
        const broken = new Error('the body failed');
        const attempt = store.transaction(async (tx) => {
          await tx.saveJob(job.state, after);
          throw broken;
        });
        await expect(attempt).rejects.toBe(broken);
        expect(await store.readJob('job-a')).toEqual(job);
      });
    });
  });
}

function insert(store: Store, job: StoredJob): Promise<void> {
  return store.transaction((tx) => tx.insertJob(job));
}
