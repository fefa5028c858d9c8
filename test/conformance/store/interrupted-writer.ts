/**
 * A writer to be killed: `node interrupted-writer.ts <opener module> <location> <park|run>`. It commits
 * jobs and prints `committed <id>` after each. With `park` it stops inside its fourth transaction,
 * after all its writes, and prints `inside`; with `run` it writes until it is killed.
 */
import { once } from 'node:events';
import type { Store } from '../../../src/store/store.ts';
import { jobOf, noticeAt, withNode } from './sample-jobs.ts';

/** The job that the writer's parked transaction changes, and the one it would add. */
export const writerJobIds = { changed: 'job-0001', added: 'job-0004' };

/** Notices per job: some 3 MB, more than SQLite keeps in memory, so that they spill to disk early. */
export const noticesPerJob = 300;

const filler = 'x'.repeat(10_000);

function idOf(count: number): string {
  return `job-${String(count).padStart(4, '0')}`;
}

async function writeJob(store: Store, count: number, inside: () => Promise<void>): Promise<void> {
  await store.transaction(async (tx) => {
    const job = jobOf(idOf(count), { createdAtMs: count });
    await tx.insertJob(job);
    const notices = Array.from({ length: noticesPerJob }, (_, at) => noticeAt(at, filler));
    await tx.appendNotices(job.state.id, notices);
    await inside();
  });
  process.stdout.write(`committed ${idOf(count)}\n`);
}

async function main(openerUrl: string, location: string, mode: string): Promise<void> {
  const opener: { open(location: string): Promise<Store> } = await import(openerUrl);
  const store = await opener.open(location);
  for (let count = 1; ; count += 1) {
    await writeJob(store, count, async () => {
      // Gives the event loop a turn, so that standard output is written.
      await new Promise(setImmediate);
    });
    if (mode === 'park' && count === 3) break;
  }
  await store.transaction(async (tx) => {
    const { changed, added } = writerJobIds;
    await tx.insertJob(jobOf(added));
    const job = await tx.loadJob(changed);
    if (job === undefined) throw new Error(`${changed} is missing`);
    await tx.saveJob(
      job.state,
      withNode({ ...job.state, phase: 'running' }, 'validate', { attempt: 1 }),
    );
    await tx.appendNotices(
      changed,
      Array.from({ length: noticesPerJob }, (_, at) => noticeAt(at, filler)),
    );
    process.stdout.write('inside\n');
    await once(process.stdin.resume(), 'end');
  });
}

if (import.meta.main) {
  const [openerUrl = '', location = '', mode = ''] = process.argv.slice(2);
  await main(openerUrl, location, mode);
}
