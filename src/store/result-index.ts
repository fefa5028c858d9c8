import type { MediaProbe } from '../graph/media-probe.ts';
import { jsonColumn } from './columns.ts';
import type { SqlSession } from './sql.ts';

/** What a node once made, as far as another job needs it to do without running the node again. */
export interface NodeResult {
  /** In the order of the kind's outputs. */
  readonly files: readonly ResultFile[];
  /** Set by the kind that probes the source. */
  readonly media?: MediaProbe;
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
}

/** A file of a {@link NodeResult}. */
export interface ResultFile {
  /** Its name in the node's outputs. */
  readonly name: string;
  readonly bytes: number;
  /** Lowercase hex. */
  readonly sha256: string;
  /** Set when it is the upload itself, which every job brings along. */
  readonly isUpload?: true;
}

/** A kept result with what keeping it costs. */
export interface StoredResult {
  /** SHA-256 of all that the result depends on, lowercase hex. */
  readonly key: string;
  readonly result: NodeResult;
  /** Room that it takes. */
  readonly bytes: number;
  /** Wall-clock time of its last use, in milliseconds since the epoch. */
  readonly usedAtMs: number;
}

/** An entry in the order of use. */
export type ResultUse = Pick<StoredResult, 'key' | 'bytes' | 'usedAtMs'>;

/** The results that are kept, within a transaction. */
export interface ResultIndex {
  has(key: string): Promise<boolean>;
  /** Adds a result; false, and nothing changes, when there is one already. */
  insert(result: StoredResult): Promise<boolean>;
  /** Notes a use; nothing when there is no such result. */
  touch(key: string, usedAtMs: number): Promise<void>;
  /** Removes results, those that are there, and returns the bytes that they took. */
  remove(keys: readonly string[]): Promise<number>;
  /** Results, least recently used first (then by key), behind `after` if it is given, at most `limit`. */
  oldest(limit: number, after?: ResultUse): Promise<readonly ResultUse[]>;
}

const resultColumn = jsonColumn<NodeResult>('result');

/** Keys per statement at most; SQLite takes 32 766 values. */
const keysPerStatementMax = 500;

/** The {@link ResultIndex} over the statements of a transaction. */
export class SqlResultIndex implements ResultIndex {
  readonly #session: SqlSession;

  constructor(session: SqlSession) {
    this.#session = session;
  }

  async has(key: string): Promise<boolean> {
    const rows = await this.#session.query('select key from results where key = ?', [key]);
    return rows.length > 0;
  }

  async insert({ key, result, bytes, usedAtMs }: StoredResult): Promise<boolean> {
    const rows = await this.#session.query(
      'insert into results (key, result, bytes, used_at_ms) values (?, ?, ?, ?) ' +
        'on conflict (key) do nothing returning key',
      [key, resultColumn.toSql(result), bytes, usedAtMs],
    );
    return rows.length > 0;
  }

  async touch(key: string, usedAtMs: number): Promise<void> {
    await this.#session.query('update results set used_at_ms = ? where key = ?', [usedAtMs, key]);
  }

  async remove(keys: readonly string[]): Promise<number> {
    let bytes = 0;
    for (let start = 0; start < keys.length; start += keysPerStatementMax) {
      const part = keys.slice(start, start + keysPerStatementMax);
      const places = part.map(() => '?').join(', ');
      const rows = await this.#session.query(
        `delete from results where key in (${places}) returning bytes`,
        part,
      );
      for (const row of rows) bytes += Number(row['bytes']);
    }
    return bytes;
  }

  async oldest(limit: number, after?: ResultUse): Promise<readonly ResultUse[]> {
    const where = after === undefined ? '' : 'where (used_at_ms, key) > (?, ?) ';
    const values = after === undefined ? [] : [after.usedAtMs, after.key];
    const rows = await this.#session.query(
      `select key, bytes, used_at_ms from results ${where}order by used_at_ms, key limit ?`,
      [...values, limit],
    );
    return rows.map((row) => ({
      key: String(row['key']),
      bytes: Number(row['bytes']),
      usedAtMs: Number(row['used_at_ms']),
    }));
  }
}

/** The result of a key, or undefined. */
export async function readResult(
  session: SqlSession,
  key: string,
): Promise<NodeResult | undefined> {
  const [row] = await session.query('select result from results where key = ?', [key]);
  return row === undefined ? undefined : resultColumn.fromSql(row['result'] ?? null);
}
