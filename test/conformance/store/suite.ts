import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/store/store-error.ts';
import type { Store, StoredJob } from '../../../src/store/store.ts';
import { noticesPerJob, writerJobIds } from './interrupted-writer.ts';
import { jobOf, noticeAt, withNode } from './sample-jobs.ts';
import { openStoreAt, withNewStore, type StoreHarness } from './store-harness.ts';

/** What every store promises; run against each adapter. */
export function describeStore(harness: StoreHarness): void {
  const openAt = (location: string) => openStoreAt(harness, location);
  const withStore = (body: (store: Store, location: string) => Promise<void>) =>
    withNewStore(harness, body);

  describe(`${harness.name}: jobs`, () => {
    test('reads a job back as it was inserted', async () => {
      await withStore(async (store) => {
        const job = jobOf('job-a', { priority: -100 });
        await insert(store, job);
        expect(await store.readJob('job-a')).toEqual(job);
        expect(await store.readJob('job-b')).toBeUndefined();
        expect(await store.transaction((tx) => tx.loadJob('job-b'))).toBeUndefined();
      });
    });

    test('saves what changed, on the job and on its nodes', async () => {
      await withStore(async (store) => {
        const job = jobOf('job-a');
        await insert(store, job);
        const after = withNode(
          { ...job.state, phase: 'running', startedAtMs: 5, isCancelling: true },
          'transcode-720p',
          { phase: 'running', attempt: 1, cores: 2, startedAtMs: 5, queuedAtMs: 4 },
        );
        await store.transaction((tx) => tx.saveJob(job.state, after));
        expect(await store.readJob('job-a')).toEqual({ ...job, state: after });
      });
    });

    test('forgets a property that the new state lacks', async () => {
      await withStore(async (store) => {
        const job = jobOf('job-a', { startedAtMs: 5 });
        await insert(store, job);
        const { startedAtMs: _, ...rest } = job.state;
        await store.transaction((tx) => tx.saveJob(job.state, rest));
        expect(await store.readJob('job-a')).toStrictEqual({ ...job, state: rest });
      });
    });

    test('does not touch the records that before and after share', async () => {
      await withStore(async (store) => {
        const job = jobOf('job-a');
        await insert(store, job);
        const first = withNode(job.state, 'validate', { phase: 'running', attempt: 1 });
        await store.transaction((tx) => tx.saveJob(job.state, first));
        // Saved over the original state: "validate" is shared by both, so it is left as it is.
        const second = withNode(job.state, 'publish', { phase: 'skipped', skipReason: 'No.' });
        await store.transaction((tx) => tx.saveJob(job.state, second));
        const stored = await store.readJob('job-a');
        expect(stored?.state.nodes.map((node) => node.phase)).toEqual([
          'running',
          'waiting',
          'skipped',
        ]);
      });
    });

    test('refuses to save a job that it does not have', async () => {
      await withStore(async (store) => {
        const { state } = jobOf('job-a');
        const running = { ...state, phase: 'running' as const };
        const started = withNode(state, 'validate', { attempt: 1 });
        await expect(store.transaction((tx) => tx.saveJob(state, running))).rejects.toThrow(
          'job-a',
        );
        await expect(store.transaction((tx) => tx.saveJob(state, started))).rejects.toThrow(
          'job-a',
        );
        await expect(
          store.transaction((tx) => tx.appendNotices('job-a', [noticeAt(1)])),
        ).rejects.toThrow('job-a');
      });
    });

    test('refuses a second job with the same id', async () => {
      await withStore(async (store) => {
        await insert(store, jobOf('job-a', { priority: 1 }));
        await expect(insert(store, jobOf('job-a', { priority: 2 }))).rejects.toThrow('job');
        expect((await store.readJob('job-a'))?.state.priority).toBe(1);
      });
    });

    test('lists the jobs that have not ended, oldest first', async () => {
      await withStore(async (store) => {
        const phases = ['running', 'succeeded', 'queued', 'failed', 'cancelled'] as const;
        for (const [index, phase] of phases.entries()) {
          await insert(store, jobOf(`job-${phase}`, { phase, createdAtMs: 100 - index }));
        }
        expect(await store.listUnfinishedJobIds()).toEqual(['job-queued', 'job-running']);
      });
    });
  });

  describe(`${harness.name}: transactions`, () => {
    test('commit everything or nothing', async () => {
      await withStore(async (store) => {
        const before = jobOf('job-a');
        await insert(store, before);
        const broken = new Error('the body failed');
        const attempt = store.transaction(async (tx) => {
          await tx.insertJob(jobOf('job-b'));
          await tx.saveJob(before.state, { ...before.state, phase: 'running' });
          await tx.appendNotices('job-a', [noticeAt(1)]);
          throw broken;
        });
        await expect(attempt).rejects.toBe(broken);
        expect(await store.readJob('job-a')).toEqual(before);
        expect(await store.readJob('job-b')).toBeUndefined();
        expect(await notices(store, 'job-a')).toEqual([]);
      });
    });

    test('go on after one was rolled back', async () => {
      await withStore(async (store) => {
        await expect(store.transaction(() => Promise.reject(new Error('first')))).rejects.toThrow(
          'first',
        );
        await insert(store, jobOf('job-a'));
        expect(await store.readJob('job-a')).toBeDefined();
      });
    });

    test('see their own writes; readers see them after the commit', async () => {
      await withStore(async (store) => {
        const job = jobOf('job-a');
        await store.transaction(async (tx) => {
          await tx.insertJob(job);
          await tx.appendNotices('job-a', [noticeAt(1)]);
          expect(await tx.loadJob('job-a')).toEqual(job);
          expect(await store.readJob('job-a')).toBeUndefined();
          expect((await store.listJobs({ limit: 10 })).jobs).toEqual([]);
          expect(await store.listUnfinishedJobIds()).toEqual([]);
          expect(await notices(store, 'job-a')).toEqual([]);
        });
        expect(await store.readJob('job-a')).toEqual(job);
        expect(await notices(store, 'job-a')).toHaveLength(1);
      });
    });

    test('show readers a job and its nodes of one and the same state', async () => {
      await withStore(async (store) => {
        let state = jobOf('job-a').state;
        await insert(store, jobOf('job-a'));
        const count = 50;
        const write = async () => {
          for (let attempt = 1; attempt <= count; attempt += 1) {
            const after = { ...withNode(state, 'publish', { attempt }), priority: attempt };
            await store.transaction((tx) => tx.saveJob(state, after));
            state = after;
          }
        };
        const read = async () => {
          const seen = new Set<number | undefined>();
          while (!seen.has(count)) {
            const found = (await store.readJob('job-a'))?.state;
            expect(found?.nodes[2]?.attempt).toBe(found?.priority);
            seen.add(found?.priority);
          }
          return seen.size;
        };
        const [states] = await Promise.all([read(), write()]);
        expect(states).toBeGreaterThan(count / 2);
      });
    });

    test('run one after another, in the order they were asked for', async () => {
      await withStore(async (store) => {
        const log: string[] = [];
        const work = (name: string, pause: Promise<void>) =>
          store.transaction(async () => {
            log.push(`${name} begins`);
            await pause;
            log.push(`${name} ends`);
          });
        const gate = Promise.withResolvers<void>();
        const all = [work('a', gate.promise), work('b', Promise.resolve())];
        await store.readJob('job-a');
        gate.resolve();
        await Promise.all(all);
        expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
      });
    });

    test('lose no update when two change the same job at once', async () => {
      await withStore(async (store) => {
        await insert(store, jobOf('job-a'));
        const count = 20;
        await Promise.all(
          Array.from({ length: count }, () =>
            store.transaction(async (tx) => {
              const { state } = (await tx.loadJob('job-a'))!;
              await tx.saveJob(state, { ...state, priority: state.priority + 1 });
            }),
          ),
        );
        expect((await store.readJob('job-a'))?.state.priority).toBe(count);
      });
    });

    test('tell their listeners after the commit, before they resolve, in order', async () => {
      await withStore(async (store) => {
        const log: string[] = [];
        await store.transaction(async (tx) => {
          tx.onCommit(() => log.push('first'));
          await tx.insertJob(jobOf('job-a'));
          tx.onCommit(() => log.push('second'));
          log.push('body ends');
        });
        log.push('resolved');
        expect(log).toEqual(['body ends', 'first', 'second', 'resolved']);
      });
    });

    test('never tell their listeners when they were rolled back', async () => {
      await withStore(async (store) => {
        const log: string[] = [];
        const attempt = store.transaction(async (tx) => {
          tx.onCommit(() => log.push('told'));
          await tx.insertJob(jobOf('job-a'));
          await tx.insertJob(jobOf('job-a'));
        });
        await expect(attempt).rejects.toThrow('job');
        expect(log).toEqual([]);
      });
    });

    test('refuse statements that come after their end', async () => {
      await withStore(async (store) => {
        const tx = await store.transaction((open) => Promise.resolve(open));
        await expect(tx.insertJob(jobOf('job-a'))).rejects.toThrow('after the end');
        expect(await store.readJob('job-a')).toBeUndefined();
      });
    });
  });

  describe(`${harness.name}: notices`, () => {
    test('are numbered from 1 without gaps, per job, over transactions and rollbacks', async () => {
      await withStore(async (store) => {
        await insert(store, jobOf('job-a'));
        await insert(store, jobOf('job-b'));
        const append = (jobId: string, ...times: readonly number[]) =>
          store.transaction((tx) =>
            tx.appendNotices(
              jobId,
              times.map((at) => noticeAt(at)),
            ),
          );
        expect(await append('job-a', 10, 11)).toEqual([
          { sequence: 1, notice: noticeAt(10) },
          { sequence: 2, notice: noticeAt(11) },
        ]);
        await append('job-b', 90);
        expect(await append('job-a')).toEqual([]);
        await expect(
          store.transaction(async (tx) => {
            await tx.appendNotices('job-a', [noticeAt(12)]);
            throw new Error('rolled back');
          }),
        ).rejects.toThrow('rolled back');
        await append('job-a', 13);
        expect(await notices(store, 'job-a')).toEqual([
          { sequence: 1, notice: noticeAt(10) },
          { sequence: 2, notice: noticeAt(11) },
          { sequence: 3, notice: noticeAt(13) },
        ]);
        expect((await notices(store, 'job-b')).map(({ sequence }) => sequence)).toEqual([1]);
      });
    });

    test('are numbered without gaps when many append at once', async () => {
      await withStore(async (store) => {
        await insert(store, jobOf('job-a'));
        await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            store.transaction((tx) =>
              tx.appendNotices('job-a', [noticeAt(index), noticeAt(index)]),
            ),
          ),
        );
        const sequences = (await notices(store, 'job-a')).map(({ sequence }) => sequence);
        expect(sequences).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
      });
    });

    test('are read in parts, oldest first', async () => {
      await withStore(async (store) => {
        await insert(store, jobOf('job-a'));
        const all = Array.from({ length: 130 }, (_, index) => noticeAt(index));
        await store.transaction((tx) => tx.appendNotices('job-a', all));
        const part = await store.readNotices({ jobId: 'job-a', afterSequence: 99, limit: 2 });
        expect(part).toEqual([
          { sequence: 100, notice: noticeAt(99) },
          { sequence: 101, notice: noticeAt(100) },
        ]);
        expect(await store.readNotices({ jobId: 'job-a', afterSequence: 130, limit: 2 })).toEqual(
          [],
        );
      });
    });
  });

  describe(`${harness.name}: pages`, () => {
    test('list all jobs once, newest first, also those of the same millisecond', async () => {
      await withStore(async (store) => {
        for (let index = 0; index < 7; index += 1) {
          await insert(store, jobOf(`job-${index}`, { createdAtMs: Math.floor(index / 3) }));
        }
        const pages = await allPages(store, 2);
        expect(pages.map((page) => page.length)).toEqual([2, 2, 2, 1]);
        expect(pages.flat()).toEqual([
          'job-6',
          'job-5',
          'job-4',
          'job-3',
          'job-2',
          'job-1',
          'job-0',
        ]);
      });
    });

    test('have no next one when the last is full', async () => {
      await withStore(async (store) => {
        for (const id of ['job-a', 'job-b']) await insert(store, jobOf(id));
        expect(await allPages(store, 2)).toEqual([['job-b', 'job-a']]);
      });
    });

    test('neither repeat nor lose a job when new ones arrive in between', async () => {
      await withStore(async (store) => {
        for (let index = 0; index < 5; index += 1) {
          await insert(store, jobOf(`job-${index}`, { createdAtMs: index }));
        }
        const first = await store.listJobs({ limit: 2 });
        await insert(store, jobOf('job-new', { createdAtMs: 100 }));
        const second = await store.listJobs({ limit: 2, after: first.next! });
        await insert(store, jobOf('job-newer', { createdAtMs: 101 }));
        const third = await store.listJobs({ limit: 2, after: second.next! });
        expect([first, second, third].flatMap(idsOf)).toEqual([
          'job-4',
          'job-3',
          'job-2',
          'job-1',
          'job-0',
        ]);
        expect(third.next).toBeUndefined();
      });
    });

    test('hold whole jobs', async () => {
      await withStore(async (store) => {
        const jobs = [jobOf('job-b'), jobOf('job-a')];
        for (const job of jobs) await insert(store, job);
        expect(await store.listJobs({ limit: 100 })).toEqual({ jobs });
      });
    });

    test('of one phase hold no other', async () => {
      await withStore(async (store) => {
        const phases = ['queued', 'failed', 'queued', 'failed', 'failed'] as const;
        for (const [index, phase] of phases.entries()) {
          await insert(store, jobOf(`job-${index}`, { phase, createdAtMs: index }));
        }
        const first = await store.listJobs({ limit: 2, phase: 'failed' });
        const second = await store.listJobs({ limit: 2, phase: 'failed', after: first.next! });
        expect([first, second].map(idsOf)).toEqual([['job-4', 'job-3'], ['job-1']]);
      });
    });

    test('of one tenant hold no other’s', async () => {
      await withStore(async (store) => {
        for (const [index, tenant] of ['acme', 'other', 'acme', 'acme'].entries()) {
          await insert(store, jobOf(`job-${index}`, { tenant, createdAtMs: index }));
        }
        const first = await store.listJobs({ limit: 2, tenant: 'acme' });
        const second = await store.listJobs({ limit: 2, tenant: 'acme', after: first.next! });
        expect([first, second].map(idsOf)).toEqual([['job-3', 'job-2'], ['job-0']]);
        expect(await store.listJobs({ limit: 2, tenant: 'nobody' })).toEqual({ jobs: [] });
      });
    });

    test.each(['', 'nonsense', 'W10', 'WyJhIiwxXQ', 'bnVsbA'])(
      'refuse the cursor "%s", which no page gave',
      async (after) => {
        await withStore(async (store) => {
          const listing = store.listJobs({ limit: 1, after });
          await expect(listing).rejects.toBeInstanceOf(StoreError);
          await expect(listing).rejects.toMatchObject({ failure: { code: 'invalid_request' } });
        });
      },
    );
  });

  describe(`${harness.name}: durability`, () => {
    test('keeps everything over a close and a reopening', async () => {
      await withStore(async (store, location) => {
        const job = jobOf('job-a');
        await insert(store, job);
        await store.transaction((tx) => tx.appendNotices('job-a', [noticeAt(1)]));
        await store.close();
        const again = await openAt(location);
        try {
          expect(await again.readJob('job-a')).toEqual(job);
          await again.transaction((tx) => tx.appendNotices('job-a', [noticeAt(2)]));
          expect((await notices(again, 'job-a')).map(({ sequence }) => sequence)).toEqual([1, 2]);
        } finally {
          await again.close();
        }
      });
    });

    test('finishes pending transactions before it closes, and then refuses new work', async () => {
      await withStore(async (store, location) => {
        const pending = [insert(store, jobOf('job-a')), insert(store, jobOf('job-b'))];
        await store.close();
        await Promise.all(pending);
        for (const call of [
          () => store.readJob('job-a'),
          () => insert(store, jobOf('job-c')),
          () => store.listUnfinishedJobIds(),
        ]) {
          await expect(call()).rejects.toMatchObject({ failure: { code: 'unavailable' } });
        }
        await store.close();
        const again = await openAt(location);
        expect(idsOf(await again.listJobs({ limit: 10 }))).toEqual(['job-b', 'job-a']);
        await again.close();
      });
    });

    test('shows nothing of a transaction whose process was killed inside of it', async () => {
      await using place = await harness.newLocation();
      const writer = startWriter(harness, place.location, 'park');
      await writer.untilLine((line) => line === 'inside');
      await writer.kill();

      const store = await openAt(place.location);
      try {
        expect(writer.committed).toEqual(['job-0001', 'job-0002', 'job-0003']);
        await expectWhole(store, writer.committed);
        expect(await store.readJob(writerJobIds.added)).toBeUndefined();
        const changed = await store.readJob(writerJobIds.changed);
        expect(changed?.state).toEqual(jobOf(writerJobIds.changed, { createdAtMs: 1 }).state);
        await insert(store, jobOf(writerJobIds.added));
      } finally {
        await store.close();
      }
    });

    test('has all that was committed, and only whole transactions, after a kill while writing', async () => {
      await using place = await harness.newLocation();
      const writer = startWriter(harness, place.location, 'run');
      await writer.untilLine((line) => line === 'committed job-0010');
      await writer.kill();

      const store = await openAt(place.location);
      try {
        const stored = (await allPages(store, 100)).flat().toReversed();
        // One more may have been committed whose line was not printed any more.
        expect(stored.slice(0, writer.committed.length)).toEqual(writer.committed);
        expect(stored.length - writer.committed.length).toBeLessThanOrEqual(1);
        await expectWhole(store, stored);
      } finally {
        await store.close();
      }
    });
  });
}

function insert(store: Store, job: StoredJob): Promise<void> {
  return store.transaction((tx) => tx.insertJob(job));
}

function notices(store: Store, jobId: string) {
  return store.readNotices({ jobId, afterSequence: 0, limit: 1000 });
}

function idsOf(page: { readonly jobs: readonly StoredJob[] }): readonly string[] {
  return page.jobs.map((job) => job.state.id);
}

async function allPages(store: Store, limit: number): Promise<readonly (readonly string[])[]> {
  const pages: (readonly string[])[] = [];
  let after: string | undefined;
  do {
    const page = await store.listJobs(after === undefined ? { limit } : { limit, after });
    pages.push(idsOf(page));
    after = page.next;
  } while (after !== undefined);
  return pages;
}

async function expectWhole(store: Store, jobIds: readonly string[]): Promise<void> {
  for (const jobId of jobIds) {
    expect((await store.readJob(jobId))?.state.nodes).toHaveLength(3);
    const sequences = (await notices(store, jobId)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: noticesPerJob }, (_, index) => index + 1));
  }
}

function startWriter(harness: StoreHarness, location: string, mode: 'park' | 'run') {
  const program = new URL('interrupted-writer.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, harness.openerUrl, location, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const committed: string[] = [];
  lines.on('line', (line) => {
    if (line.startsWith('committed ')) committed.push(line.slice('committed '.length));
  });
  return {
    committed,
    async untilLine(isWanted: (line: string) => boolean): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      lines.on('line', (line) => isWanted(line) && resolve());
      lines.on('close', () => reject(new Error('the writer ended early')));
      await promise;
    },
    /** Kills it and reads what it had printed until then. */
    async kill(): Promise<void> {
      const closed = once(lines, 'close');
      child.kill('SIGKILL');
      await Promise.all([exit, closed]);
    },
  };
}
