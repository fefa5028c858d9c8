import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { assert } from '../base/assert.ts';
import type { Failure } from '../base/failure.ts';
import { failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Sql, SqlRow, SqlSession, SqlValue } from './sql.ts';
import { StoreError } from './store-error.ts';
import type { Durability } from './store.ts';
import { toSqliteError } from './sqlite-error.ts';
import { Turnstile } from './turnstile.ts';

/**
 * How long a statement waits for another process that holds the file (a backup, a shell), in
 * milliseconds. The wait blocks the event loop, so it is short; the connections of this process never
 * wait for each other.
 */
const busyTimeoutMs = 2000;

/**
 * Prepared statements kept per connection. The repository has about a dozen texts, some with as many
 * variants as rows that they take at once.
 */
const statementsMax = 64;

/** Transactions, or reads, waiting at most: at 2 ms each the last one waits two seconds. */
const waitingMax = 1000;

/**
 * `PRAGMA application_id` of our files ("RLGR" in ASCII), so that a file of another program is never
 * written to. SQLite file format, section 1.3.18.
 */
const applicationId = 0x52_4c_47_52;

/**
 * Opens a SQLite file, made when there is none. A file that is damaged, that cannot be read or that
 * belongs to another program is a `storage` failure and stays as it is.
 *
 * Durability: write-ahead log with `synchronous=FULL`, so a commit is on disk when it returns; with
 * `NORMAL`, where a transaction asks for no more, the operating system has it.
 * Two connections: with one, a read would see the open transaction of a writer that awaits something.
 */
export function openSqlite(path: string): Result<Sql, Failure> {
  let writer: Connection | undefined;
  try {
    writer = new Connection(new DatabaseSync(path, { timeout: busyTimeoutMs }));
    const refusal = prepareFile(writer);
    if (refusal !== undefined) {
      writer.close();
      return err(failure('storage', refusal, path));
    }
    const reader = new Connection(
      new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly: true }),
    );
    return ok(new SqliteSql(writer, reader));
  } catch (thrown) {
    writer?.close();
    const error = toSqliteError(thrown);
    if (!(error instanceof StoreError)) throw error;
    const { code, message, operatorDetail } = error.failure;
    return err(failure(code, message, `${path}: ${operatorDetail}`));
  }
}

/** Checks and sets up the file; says why it is refused. */
function prepareFile(writer: Connection): string | undefined {
  const tables = writer.pragma("select count(*) from sqlite_master where type = 'table'");
  const owner = writer.pragma('pragma application_id');
  if (tables !== 0 && owner !== applicationId) {
    return 'The database file belongs to another program. Choose another data directory.';
  }
  // Finds damage now, with nothing running, rather than in the middle of a job. Reads the whole file:
  // 0.2 s for 250 MB (a million notices) that lie in the page cache.
  const damage = writer.pragma('pragma quick_check(1)');
  if (damage !== 'ok') {
    return 'The database file is damaged. Restore it from a backup, or move it away to start anew.';
  }
  if (writer.pragma('pragma journal_mode = wal') !== 'wal') {
    return 'The database file lies on a file system without shared memory. Use a local disk.';
  }
  writer.setDurability('disk');
  if (owner !== applicationId) writer.pragma(`pragma application_id = ${applicationId}`);
  return undefined;
}

/** The SQLite adapter of {@link Sql}. */
class SqliteSql implements Sql {
  readonly rowLock = '';
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #writers = new Turnstile(waitingMax);
  readonly #readers = new Turnstile(waitingMax);

  constructor(writer: Connection, reader: Connection) {
    this.#writer = writer;
    this.#reader = reader;
  }

  transaction<Value>(
    body: (session: SqlSession) => Promise<Value>,
    durability: Durability = 'disk',
  ): Promise<Value> {
    return this.#writers.run(() => {
      this.#writer.setDurability(durability);
      // "immediate" takes the write lock now: a later upgrade could fail because of another process.
      return within(this.#writer, 'begin immediate', body);
    });
  }

  snapshot<Value>(body: (session: SqlSession) => Promise<Value>): Promise<Value> {
    return this.#readers.run(() => within(this.#reader, 'begin', body));
  }

  async close(): Promise<void> {
    await Promise.all([this.#writers.close(), this.#readers.close()]);
    // The writer last: it moves the write-ahead log into the file when it is the only connection.
    this.#reader.close();
    this.#writer.close();
  }
}

async function within<Value>(
  connection: Connection,
  begin: 'begin' | 'begin immediate',
  body: (session: SqlSession) => Promise<Value>,
): Promise<Value> {
  let isOpen = true;
  const session: SqlSession = {
    // `async` turns the throws of a synchronous database into rejections.
    // oxlint-disable-next-line typescript/require-await
    async query(text, values = []) {
      assert(isOpen, 'a statement came after the end of its transaction');
      return connection.all(text, values);
    },
  };
  connection.all(begin, []);
  try {
    const value = await body(session);
    isOpen = false;
    connection.all('commit', []);
    return value;
  } catch (thrown) {
    isOpen = false;
    connection.rollBack();
    throw thrown;
  }
}

/** One connection with its prepared statements. Throws what {@link toSqliteError} makes. */
class Connection {
  readonly #database: DatabaseSync;
  #durability: Durability | undefined;
  /** Statement text → statement, least recently used first. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  all(text: string, values: readonly SqlValue[]): readonly SqlRow[] {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no column holds a BLOB
      return this.#prepare(text).all(...values) as readonly SqlRow[];
    } catch (thrown) {
      throw toSqliteError(thrown);
    }
  }

  /** The first value of the first row of a statement that is not worth keeping. */
  pragma(text: string): unknown {
    return Object.values(this.#database.prepare(text).get() ?? {})[0];
  }

  /** How durable the next commits are. Outside of a transaction only: sqlite.org/pragma.html#pragma_synchronous. */
  setDurability(durability: Durability): void {
    if (durability === this.#durability) return;
    this.all(
      durability === 'disk' ? 'pragma synchronous = full' : 'pragma synchronous = normal',
      [],
    );
    this.#durability = durability;
  }

  /** Undoes what is open; SQLite has done so itself after some errors (disk full, I/O). */
  rollBack(): void {
    if (this.#database.isTransaction) this.all('rollback', []);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#database.prepare(text);
    this.#statements.delete(text);
    this.#statements.set(text, statement);
    for (const oldest of this.#statements.keys()) {
      if (this.#statements.size <= statementsMax) break;
      this.#statements.delete(oldest);
    }
    return statement;
  }
}
