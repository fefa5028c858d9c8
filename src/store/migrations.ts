import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Sql, SqlSession } from './sql.ts';

/**
 * The schema's history: entry n makes version n + 1. Portable statements; an entry that was released
 * never changes.
 *
 * Numbers are `bigint` because milliseconds since the epoch need more than 32 bits. JSON is text:
 * nothing is searched inside of it.
 */
const migrations: readonly (readonly string[])[] = [
  [
    `create table jobs (
      id text primary key,
      phase text not null,
      priority bigint not null,
      created_at_ms bigint not null,
      started_at_ms bigint,
      ended_at_ms bigint,
      is_cancelling bigint not null,
      media text,
      failure text,
      warnings text not null,
      plan text not null,
      upload text not null,
      notice_count bigint not null
    )`,
    `create index jobs_by_age on jobs (created_at_ms, id)`,
    `create index jobs_by_phase on jobs (phase, created_at_ms, id)`,
    `create table nodes (
      job_id text not null references jobs (id),
      ordinal bigint not null,
      id text not null,
      phase text not null,
      attempt bigint not null,
      lost_count bigint,
      estimate text not null,
      queued_at_ms bigint,
      started_at_ms bigint,
      ended_at_ms bigint,
      due_at_ms bigint,
      cores bigint,
      failure text,
      skip_reason text,
      artifacts text not null,
      primary key (job_id, ordinal)
    )`,
    `create table notices (
      job_id text not null references jobs (id),
      sequence bigint not null,
      notice text not null,
      primary key (job_id, sequence)
    )`,
  ],
  [
    `alter table jobs add column params text not null default '{}'`,
    `alter table jobs add column tenant text not null default 'default'`,
    `create index jobs_by_tenant on jobs (tenant, created_at_ms, id)`,
    `alter table jobs add column uses_cache bigint not null default 1`,
    `alter table nodes add column excused_count bigint`,
    `update nodes set excused_count = lost_count`,
    `alter table nodes add column is_reused bigint`,
    `create table results (
      key text primary key,
      result text not null,
      bytes bigint not null,
      used_at_ms bigint not null
    )`,
    `create index results_by_use on results (used_at_ms, key)`,
    `create table idempotency_keys (
      tenant text not null,
      key text not null,
      fingerprint text not null,
      job_id text not null,
      created_at_ms bigint not null,
      primary key (tenant, key)
    )`,
    `create index idempotency_keys_by_age on idempotency_keys (created_at_ms)`,
    `create index idempotency_keys_by_job on idempotency_keys (job_id)`,
    `alter table jobs add column source_removed_at_ms bigint`,
    // Of jobs that ended before, only those that failed have kept their upload.
    `update jobs set source_removed_at_ms = ended_at_ms
      where ended_at_ms is not null and phase in ('succeeded', 'cancelled')`,
    `alter table jobs add column products_removed_at_ms bigint`,
    `alter table jobs add column deleted_at_ms bigint`,
    `create index jobs_with_source on jobs (ended_at_ms) where source_removed_at_ms is null`,
    `create index jobs_with_products on jobs (ended_at_ms) where products_removed_at_ms is null`,
    `create table removals (
      job_id text not null references jobs (id),
      scope text not null,
      primary key (job_id, scope)
    )`,
  ],
];

/** The version that {@link migrate} brings a database to. */
export const schemaVersion = migrations.length;

/**
 * Brings the database to this program's schema, all steps in one transaction. Nothing to do is a
 * success. A database from a newer version is a `storage` failure and stays untouched.
 *
 * @throws StoreError like every transaction.
 */
export function migrate(sql: Sql): Promise<Result<void, Failure>> {
  return sql.transaction(async (session) => {
    const version = await readVersion(session);
    if (version > schemaVersion) return err(tooNew(version));
    for (const [index, statements] of migrations.entries()) {
      if (index < version) continue;
      for (const statement of statements) await session.query(statement);
      await session.query('insert into schema_versions (version) values (?)', [index + 1]);
    }
    return ok(undefined);
  });
}

async function readVersion(session: SqlSession): Promise<number> {
  await session.query('create table if not exists schema_versions (version bigint primary key)');
  const [row] = await session.query('select max(version) as version from schema_versions');
  return Number(row?.['version'] ?? 0);
}

function tooNew(version: number): Failure {
  return failure(
    'storage',
    `The database was written by a newer version of reelgraph (its schema is ${version}, this ` +
      `version knows ${schemaVersion}). Install that version, or choose another data directory.`,
  );
}
