import type { Durability } from './store.ts';

/** What a column holds. Whole numbers only, within ±(2^53 − 1); JSON and flags as text and 0 or 1. */
export type SqlValue = string | number | null;

/** A row: column name → value. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** Statements of one transaction or snapshot; of no use after it ended. */
export interface SqlSession {
  /**
   * Runs one statement and returns its rows (of writes: what `returning` names). The text is portable
   * between SQLite and Postgres; `?` stands for the values in order and occurs nowhere else, so an
   * adapter may number it.
   */
  query(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/**
 * A relational database. Expected trouble (no room, I/O error, damage, closed) is thrown as
 * `StoreError`; what `body` throws passes through as it is.
 */
export interface Sql {
  /** Ends a `select` that locks its rows: ` for update`; empty where writers exclude each other. */
  readonly rowLock: '' | ' for update';
  /** Runs `body` with writes that are committed when it resolves, or else rolled back. */
  transaction<Value>(
    body: (session: SqlSession) => Promise<Value>,
    durability?: Durability,
  ): Promise<Value>;
  /** Runs `body` with reads that all see the same committed state. */
  snapshot<Value>(body: (session: SqlSession) => Promise<Value>): Promise<Value>;
  /** Ends the connections after what is pending; further calls are refused. Idempotent. */
  close(): Promise<void>;
}
