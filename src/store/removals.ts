import type { SqlRow, SqlSession } from './sql.ts';
import type { ExpiryQuery, KeptFiles, Removal } from './store.ts';

/** The column that says when a job's files were removed, by what they are. */
const removedColumns: Readonly<Record<KeptFiles, string>> = {
  source: 'source_removed_at_ms',
  products: 'products_removed_at_ms',
};

/** See `Store.nextEnd`. */
export async function nextEnd(session: SqlSession, kept: KeptFiles): Promise<number | undefined> {
  const [row] = await session.query(
    `select ended_at_ms from jobs where ended_at_ms is not null and ${removedColumns[kept]} is null ` +
      'order by ended_at_ms limit 1',
  );
  return row === undefined ? undefined : Number(row['ended_at_ms']);
}

/** See `Store.listRemovals`. */
export async function listRemovals(
  session: SqlSession,
  { after, limit }: { readonly after?: Removal; readonly limit: number },
): Promise<readonly Removal[]> {
  const rows = await session.query(
    'select r.job_id, r.scope from removals r join jobs j on j.id = r.job_id ' +
      'where j.ended_at_ms is not null and (r.job_id, r.scope) > (?, ?) ' +
      'order by r.job_id, r.scope limit ?',
    [after?.jobId ?? '', after?.scope ?? '', limit],
  );
  return rows.map(toRemoval);
}

/** See `StoreTransaction.expireJobs`. */
export async function expireJobs(
  session: SqlSession,
  { kept, endedUntilMs, atMs, limit }: ExpiryQuery,
): Promise<readonly string[]> {
  const column = removedColumns[kept];
  const rows = await session.query(
    `update jobs set ${column} = ?, source_removed_at_ms = coalesce(source_removed_at_ms, ?) ` +
      `where id in (select id from jobs where ended_at_ms <= ? and ${column} is null ` +
      'order by ended_at_ms limit ?) returning id',
    [atMs, atMs, endedUntilMs, limit],
  );
  const jobIds = rows.map((row) => String(row['id']));
  for (const jobId of jobIds) await addRemoval(session, { jobId, scope: kept });
  return jobIds;
}

/** See `StoreTransaction.markDeleted`. */
export async function markDeleted(
  session: SqlSession,
  jobId: string,
  atMs: number,
): Promise<boolean> {
  const marked = await session.query(
    'update jobs set deleted_at_ms = ?, ' +
      'source_removed_at_ms = coalesce(source_removed_at_ms, ?), ' +
      'products_removed_at_ms = coalesce(products_removed_at_ms, ?) ' +
      'where id = ? and deleted_at_ms is null returning id',
    [atMs, atMs, atMs, jobId],
  );
  if (marked.length === 0) return false;
  await addRemoval(session, { jobId, scope: 'job' });
  // The key is free at once: who sends the same film again after a deletion means a new job.
  await session.query('delete from idempotency_keys where job_id = ?', [jobId]);
  return true;
}

/** See `StoreTransaction.finishRemoval`. */
export async function finishRemoval(session: SqlSession, { jobId, scope }: Removal): Promise<void> {
  if (scope !== 'job') {
    await session.query('delete from removals where job_id = ? and scope = ?', [jobId, scope]);
    return;
  }
  // The rows that refer to the job before the job itself.
  for (const table of ['removals', 'notices', 'nodes', 'idempotency_keys']) {
    await session.query(`delete from ${table} where job_id = ?`, [jobId]);
  }
  await session.query('delete from jobs where id = ?', [jobId]);
}

/** See `StoreTransaction.addRemoval`. */
export async function addRemoval(session: SqlSession, { jobId, scope }: Removal): Promise<void> {
  await session.query(
    'insert into removals (job_id, scope) values (?, ?) on conflict (job_id, scope) do nothing',
    [jobId, scope],
  );
}

function toRemoval(row: SqlRow): Removal {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `addRemoval` writes it
  return { jobId: String(row['job_id']), scope: String(row['scope']) as Removal['scope'] };
}
