import { required } from '../base/assert.ts';
import type { SqlRow, SqlSession } from './sql.ts';
import type { IdempotencyKey } from './store.ts';

/** See `Store.findKey`. */
export async function findKey(
  session: SqlSession,
  tenant: string,
  key: string,
): Promise<IdempotencyKey | undefined> {
  const [row] = await session.query(
    'select tenant, key, fingerprint, job_id, created_at_ms from idempotency_keys ' +
      'where tenant = ? and key = ?',
    [tenant, key],
  );
  return row === undefined ? undefined : toKey(row);
}

/** See `StoreTransaction.claimKey`. */
export async function claimKey(
  session: SqlSession,
  claim: IdempotencyKey,
): Promise<IdempotencyKey> {
  const { tenant, key, fingerprint, jobId, createdAtMs } = claim;
  await session.query(
    'insert into idempotency_keys (tenant, key, fingerprint, job_id, created_at_ms) ' +
      'values (?, ?, ?, ?, ?) on conflict (tenant, key) do nothing',
    [tenant, key, fingerprint, jobId, createdAtMs],
  );
  return required(await findKey(session, tenant, key), 'the key that was just claimed');
}

/** See `Store.oldestKeyMs`. */
export async function oldestKeyMs(session: SqlSession): Promise<number | undefined> {
  const [row] = await session.query(
    'select created_at_ms from idempotency_keys order by created_at_ms limit 1',
  );
  return row === undefined ? undefined : Number(row['created_at_ms']);
}

/** See `StoreTransaction.expireKeys`. */
export async function expireKeys(session: SqlSession, createdUntilMs: number): Promise<void> {
  await session.query('delete from idempotency_keys where created_at_ms <= ?', [createdUntilMs]);
}

function toKey(row: SqlRow): IdempotencyKey {
  return {
    tenant: String(row['tenant']),
    key: String(row['key']),
    fingerprint: String(row['fingerprint']),
    jobId: String(row['job_id']),
    createdAtMs: Number(row['created_at_ms']),
  };
}
