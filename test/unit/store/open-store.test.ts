import { randomBytes } from 'node:crypto';
import { copyFile, open, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { schemaVersion } from '../../../src/store/migrations.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { jobOf, noticeAt } from '../../conformance/store/sample-jobs.ts';
import { open as openOrThrow } from '../../conformance/store/sqlite-opener.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** Bytes of a SQLite page unless a file says otherwise. */
const pageBytes = 4096;

/** A database with a job in it, closed. */
async function makeDatabase(path: string): Promise<void> {
  const store = await openOrThrow(path);
  await store.transaction(async (tx) => {
    await tx.insertJob(jobOf('job-a'));
    await tx.appendNotices(
      'job-a',
      Array.from({ length: 500 }, (_, index) => noticeAt(index)),
    );
  });
  await store.close();
}

/** Why the file is refused; checks that it is the same afterwards. */
async function refusalOf(path: string): Promise<string> {
  const before = await readFile(path);
  const opened = await openStore(path);
  expect((await readFile(path)).equals(before)).toBe(true);
  expect(opened).toMatchObject({ ok: false, error: { code: 'storage' } });
  return opened.ok ? '' : opened.error.message;
}

/** Runs statements over a connection of its own. */
function tamper(path: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(path);
  for (const statement of statements) database.exec(statement);
  database.close();
}

/** Takes back all that the second schema brought. */
const backToFirstSchema: readonly string[] = [
  'delete from schema_versions where version > 1',
  ...['removals', 'idempotency_keys', 'results'].map((name) => `drop table ${name}`),
  ...['jobs_by_tenant', 'jobs_with_source', 'jobs_with_products'].map(
    (name) => `drop index ${name}`,
  ),
  ...[
    'params',
    'tenant',
    'uses_cache',
    'source_removed_at_ms',
    'products_removed_at_ms',
    'deleted_at_ms',
  ].map((name) => `alter table jobs drop column ${name}`),
  ...['excused_count', 'is_reused'].map((name) => `alter table nodes drop column ${name}`),
];

describe('opening a store', () => {
  test('makes the file when there is none', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'new.sqlite');
    await makeDatabase(path);
    expect((await stat(path)).size).toBeGreaterThan(0);
    // The write-ahead log went into the file when the last connection closed.
    expect(await readdir(directory.path)).toEqual(['new.sqlite']);
  });

  test('refuses a directory that does not exist, naming the file to the operator only', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'missing', 'new.sqlite');
    const opened = await openStore(path);
    expect(opened).toMatchObject({
      ok: false,
      error: {
        code: 'storage',
        message: expect.stringContaining('directory must exist'),
        operatorDetail: expect.stringContaining(path),
      },
    });
    expect(opened.ok ? '' : opened.error.message).not.toContain(directory.path);
  });

  test('refuses a file that is no database', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    await writeFile(path, randomBytes(3 * pageBytes));
    expect(await refusalOf(path)).toMatch(/is no database/);
    await writeFile(path, 'These are my notes.\n'.repeat(100));
    expect(await refusalOf(path)).toMatch(/is no database/);
  });

  test('refuses a database that lost its end', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    await makeDatabase(path);
    await truncate(path, (await stat(path)).size - 3 * pageBytes);
    expect(await refusalOf(path)).toMatch(/damaged/);
  });

  test('refuses a database with a damaged page', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    await makeDatabase(path);
    const pageCount = (await stat(path)).size / pageBytes;
    await using file = await open(path, 'r+');
    for (let page = 2; page < pageCount; page += 1) {
      await file.write(randomBytes(200), 0, 200, page * pageBytes);
    }
    expect(await refusalOf(path)).toMatch(/damaged/);
  });

  test('refuses a database of another program', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    tamper(path, 'create table jobs (id text)', "insert into jobs values ('theirs')");
    expect(await refusalOf(path)).toMatch(/another program/);
  });

  test('refuses a database from a newer version, and says both', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    await makeDatabase(path);
    tamper(path, `insert into schema_versions (version) values (${schemaVersion + 1})`);
    expect(await refusalOf(path)).toMatch(
      new RegExp(`newer version .* is ${schemaVersion + 1}, .* knows ${schemaVersion}`),
    );
  });

  test('makes the schema whole or not at all', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    await makeDatabase(path);
    // As if a start had been cut off between the file and its schema, and "nodes" were in the way.
    tamper(path, 'drop table notices', 'drop table nodes', 'drop table jobs');
    tamper(path, 'drop table results', 'drop table idempotency_keys', 'drop table removals');
    tamper(path, 'delete from schema_versions', 'create table nodes (id text)');
    await expect(openStore(path)).rejects.toThrow('nodes already exists');
    const database = new DatabaseSync(path);
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    database.close();
    expect(tables.map(({ name }) => name)).toEqual(['schema_versions', 'nodes']);
  });

  test('knows of jobs that ended under an earlier schema whether their film is kept', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    const before = await openOrThrow(path);
    const ended = { endedAtMs: 1_760_000_009_000 };
    await before.transaction(async (tx) => {
      await tx.insertJob(jobOf('succeeded', { ...ended, phase: 'succeeded' }));
      await tx.insertJob(jobOf('cancelled', { ...ended, phase: 'cancelled' }));
      await tx.insertJob(jobOf('failed', { ...ended, phase: 'failed' }));
      await tx.insertJob(jobOf('running', { phase: 'running' }));
    });
    await before.close();
    tamper(path, ...backToFirstSchema);
    const store = await openOrThrow(path);
    for (const jobId of ['succeeded', 'cancelled']) {
      expect(await store.readJob(jobId)).toMatchObject({ sourceRemovedAtMs: ended.endedAtMs });
    }
    for (const jobId of ['failed', 'running']) {
      expect(await store.readJob(jobId)).not.toHaveProperty('sourceRemovedAtMs');
    }
    expect(await store.nextEnd('source')).toBe(ended.endedAtMs);
    await store.close();
  });

  test('does not mind the log that a killed process left', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    const copy = join(directory.path, 'copy.sqlite');
    const store = await openOrThrow(path);
    await store.transaction((tx) => tx.insertJob(jobOf('job-a')));
    // What is on disk before the close is what a kill would leave.
    await copyFile(path, copy);
    await copyFile(`${path}-wal`, `${copy}-wal`);
    await store.close();
    const again = await openOrThrow(copy);
    expect(await again.readJob('job-a')).toEqual(jobOf('job-a'));
    await again.close();
  });
});

describe('the SQLite adapter', () => {
  test('waits for the disk only where a transaction asks for it', async () => {
    await using directory = await createTempDirectory();
    const sql = openSqlite(join(directory.path, 'a.sqlite'));
    if (!sql.ok) throw new Error(sql.error.message);
    const levels: unknown[] = [];
    for (const durability of ['process', 'disk', 'process', 'process'] as const) {
      const [row] = await sql.value.transaction(
        (session) => session.query('pragma synchronous'),
        durability,
      );
      levels.push(row?.['synchronous']);
    }
    const [row] = await sql.value.transaction((session) => session.query('pragma synchronous'));
    // 1 is NORMAL, which does not wait for the log to be on disk; 2 is FULL.
    expect([...levels, row?.['synchronous']]).toEqual([1, 2, 1, 1, 2]);
    await sql.value.close();
  });

  test('waits for the disk at every commit, logs ahead and checks references', async () => {
    await using directory = await createTempDirectory();
    const sql = openSqlite(join(directory.path, 'a.sqlite'));
    if (!sql.ok) throw new Error(sql.error.message);
    const settings = await sql.value.transaction(async (session) => [
      await session.query('pragma journal_mode'),
      // 2 is FULL: sqlite.org/pragma.html#pragma_synchronous.
      await session.query('pragma synchronous'),
      await session.query('pragma foreign_keys'),
    ]);
    expect(settings).toEqual([
      [{ journal_mode: 'wal' }],
      [{ synchronous: 2 }],
      [{ foreign_keys: 1 }],
    ]);
    await sql.value.close();
  });

  test('refuses writes in a snapshot', async () => {
    await using directory = await createTempDirectory();
    const sql = openSqlite(join(directory.path, 'a.sqlite'));
    if (!sql.ok) throw new Error(sql.error.message);
    const writing = sql.value.snapshot((session) => session.query('create table t (id text)'));
    await expect(writing).rejects.toMatchObject({ failure: { code: 'storage' } });
    await sql.value.close();
  });

  test('shows a snapshot the same state throughout', async () => {
    await using directory = await createTempDirectory();
    const sql = openSqlite(join(directory.path, 'a.sqlite'));
    if (!sql.ok) throw new Error(sql.error.message);
    const { value } = sql;
    await value.transaction((session) => session.query('create table t (id text)'));
    const counts = await value.snapshot(async (session) => {
      const count = () => session.query('select count(*) as count from t');
      const before = await count();
      await value.transaction((writer) => writer.query("insert into t values ('a')"));
      return [before, await count()];
    });
    expect(counts).toEqual([[{ count: 0 }], [{ count: 0 }]]);
    await value.close();
  });

  test('says that the disk is full, keeps what was there and goes on when there is room', async () => {
    await using directory = await createTempDirectory();
    const sql = openSqlite(join(directory.path, 'a.sqlite'));
    if (!sql.ok) throw new Error(sql.error.message);
    const { value } = sql;
    const insert = (bytes: number) =>
      value.transaction((session) =>
        session.query('insert into t (note) values (?)', ['x'.repeat(bytes)]),
      );
    await value.transaction((session) => session.query('create table t (note text)'));
    await insert(1);
    // SQLite reports the same error when its own limit is reached as when the disk has no room.
    await value.transaction((session) => session.query('pragma max_page_count = 4'));
    await expect(insert(100_000)).rejects.toMatchObject({
      name: 'StoreError',
      failure: { code: 'storage', message: 'The disk of the database is full.' },
    });
    await value.transaction((session) => session.query('pragma max_page_count = 1000'));
    await insert(100_000);
    const [row] = await value.snapshot((session) => session.query('select count(*) as n from t'));
    expect(row).toEqual({ n: 2 });
    await value.close();
  });

  test('says that another program holds the file, after a short wait', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'a.sqlite');
    const store = await openOrThrow(path);
    const other = new DatabaseSync(path);
    other.exec('begin immediate');
    await expect(store.transaction((tx) => tx.insertJob(jobOf('job-a')))).rejects.toMatchObject({
      failure: { code: 'storage', message: 'The database is in use by another program.' },
    });
    expect(await store.readJob('job-a')).toBeUndefined();
    other.exec('rollback');
    other.close();
    await store.transaction((tx) => tx.insertJob(jobOf('job-a')));
    expect(await store.readJob('job-a')).toBeDefined();
    await store.close();
  });

  test('takes any number of different statements', async () => {
    await using directory = await createTempDirectory();
    const sql = openSqlite(join(directory.path, 'a.sqlite'));
    if (!sql.ok) throw new Error(sql.error.message);
    const results = await sql.value.snapshot(async (session) => {
      const found: unknown[] = [];
      for (let index = 0; index < 300; index += 1) {
        found.push((await session.query(`select ${index % 150} as n`))[0]?.['n']);
      }
      return found;
    });
    expect(results).toEqual(Array.from({ length: 300 }, (_, index) => index % 150));
    await sql.value.close();
  });
});
