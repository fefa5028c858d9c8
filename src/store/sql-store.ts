import { assert, required } from '../base/assert.ts';
import type { Notice } from '../scheduler/effect.ts';
import type { JobState, NodeRecord } from '../scheduler/job-state.ts';
import { changesOf, flagColumn, fromRow, integerColumn, jsonColumn } from './columns.ts';
import { namesOf, textColumn, toValues, trueColumn } from './columns.ts';
import type { Columns } from './columns.ts';
import { claimKey, expireKeys, findKey, oldestKeyMs } from './idempotency-keys.ts';
import { formatJobCursor, parseJobCursor } from './job-cursor.ts';
import { readResult, SqlResultIndex } from './result-index.ts';
import type { NodeResult, ResultIndex } from './result-index.ts';
import { addRemoval, expireJobs, finishRemoval, listRemovals } from './removals.ts';
import { markDeleted, nextEnd } from './removals.ts';
import type { Sql, SqlRow, SqlSession, SqlValue } from './sql.ts';
import type {
  Durability,
  ExpiryQuery,
  IdempotencyKey,
  JobPage,
  JobQuery,
  KeptFiles,
  NoticeQuery,
  Removal,
  Store,
  StoredJob,
  StoredNotice,
  StoreTransaction,
} from './store.ts';

/** A job without its nodes: one row of `jobs`. */
interface JobRecord extends Omit<JobState, 'nodes'>, Omit<StoredJob, 'state'> {}

const jobColumns: Columns<JobRecord> = {
  id: textColumn('id'),
  phase: textColumn('phase'),
  priority: integerColumn('priority'),
  createdAtMs: integerColumn('created_at_ms'),
  startedAtMs: integerColumn('started_at_ms'),
  endedAtMs: integerColumn('ended_at_ms'),
  isCancelling: flagColumn('is_cancelling'),
  media: jsonColumn('media'),
  failure: jsonColumn('failure'),
  warnings: jsonColumn('warnings'),
  plan: jsonColumn('plan'),
  params: jsonColumn('params'),
  tenant: textColumn('tenant'),
  usesCache: flagColumn('uses_cache'),
  upload: jsonColumn('upload'),
  sourceRemovedAtMs: integerColumn('source_removed_at_ms'),
  productsRemovedAtMs: integerColumn('products_removed_at_ms'),
};

const nodeColumns: Columns<NodeRecord> = {
  id: textColumn('id'),
  phase: textColumn('phase'),
  attempt: integerColumn('attempt'),
  excusedCount: integerColumn('excused_count'),
  lostCount: integerColumn('lost_count'),
  estimate: jsonColumn('estimate'),
  queuedAtMs: integerColumn('queued_at_ms'),
  startedAtMs: integerColumn('started_at_ms'),
  endedAtMs: integerColumn('ended_at_ms'),
  dueAtMs: integerColumn('due_at_ms'),
  cores: integerColumn('cores'),
  failure: jsonColumn('failure'),
  skipReason: jsonColumn('skip_reason'),
  artifacts: jsonColumn('artifacts'),
  isReused: trueColumn('is_reused'),
};

const noticeColumn = jsonColumn<Notice>('notice');

const jobSelection = `select ${namesOf(jobColumns).join(', ')} from jobs`;
const nodeSelection = `select job_id, ${namesOf(nodeColumns).join(', ')} from nodes`;
const nodeAssignments = namesOf(nodeColumns).map((name) => `${name} = ?`);
const nodeUpdate = `update nodes set ${nodeAssignments.join(', ')} where job_id = ? and ordinal = ? returning ordinal`;

/**
 * Rows per insert statement at most. SQLite takes 32 766 values in a statement, Postgres 65 535; a
 * node has 16.
 */
const rowsPerInsertMax = 50;

/** Jobs per page at most; the port's bound. */
const pageSizeMax = 100;

/** The {@link Store} over any {@link Sql} whose schema is up to date. Owns `sql` and closes it. */
export class SqlStore implements Store {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async transaction<Value>(
    body: (tx: StoreTransaction) => Promise<Value>,
    durability: Durability = 'disk',
  ): Promise<Value> {
    const listeners: (() => void)[] = [];
    const value = await this.#sql.transaction(
      (session) => body(new SqlStoreTransaction(session, this.#sql.rowLock, listeners)),
      durability,
    );
    for (const listener of listeners) listener();
    return value;
  }

  readJob(jobId: string): Promise<StoredJob | undefined> {
    return this.#sql.snapshot((session) => readJob(session, jobId, ' and deleted_at_ms is null'));
  }

  listJobs(query: JobQuery): Promise<JobPage> {
    return this.#sql.snapshot((session) => listJobs(session, query));
  }

  readNotices(query: NoticeQuery): Promise<readonly StoredNotice[]> {
    return this.#sql.snapshot(async (session) => {
      const rows = await session.query(
        'select sequence, notice from notices where job_id = ? and sequence > ? ' +
          'order by sequence limit ?',
        [query.jobId, query.afterSequence, query.limit],
      );
      return rows.map((row) => ({
        sequence: Number(row['sequence']),
        notice: noticeColumn.fromSql(row['notice'] ?? null),
      }));
    });
  }

  listUnfinishedJobIds(): Promise<readonly string[]> {
    return this.#sql.snapshot(async (session) => {
      const rows = await session.query(
        "select id from jobs where phase in ('queued', 'running') order by created_at_ms, id",
      );
      return rows.map((row) => String(row['id']));
    });
  }

  readResult(key: string): Promise<NodeResult | undefined> {
    return this.#sql.snapshot((session) => readResult(session, key));
  }

  nextEnd(kept: KeptFiles): Promise<number | undefined> {
    return this.#sql.snapshot((session) => nextEnd(session, kept));
  }

  listRemovals(query: {
    readonly after?: Removal;
    readonly limit: number;
  }): Promise<readonly Removal[]> {
    return this.#sql.snapshot((session) => listRemovals(session, query));
  }

  findKey(tenant: string, key: string): Promise<IdempotencyKey | undefined> {
    return this.#sql.snapshot((session) => findKey(session, tenant, key));
  }

  oldestKeyMs(): Promise<number | undefined> {
    return this.#sql.snapshot(oldestKeyMs);
  }

  close(): Promise<void> {
    return this.#sql.close();
  }
}

/**
 * A transaction of {@link SqlStore}. `session` is its connection, for a dispatcher whose queue lies in
 * the same database.
 */
export class SqlStoreTransaction implements StoreTransaction {
  readonly session: SqlSession;
  readonly results: ResultIndex;
  readonly #rowLock: string;
  readonly #listeners: (() => void)[];

  constructor(session: SqlSession, rowLock: string, listeners: (() => void)[]) {
    this.session = session;
    this.results = new SqlResultIndex(session);
    this.#rowLock = rowLock;
    this.#listeners = listeners;
  }

  async insertJob({ state, ...rest }: StoredJob): Promise<void> {
    await insertRows(this.session, {
      table: 'jobs',
      columns: [...namesOf(jobColumns), 'notice_count'],
      rows: [[...toValues(jobColumns, { ...state, ...rest }), 0]],
    });
    await this.#insertNodes(state.id, state.nodes);
  }

  loadJob(jobId: string): Promise<StoredJob | undefined> {
    return readJob(this.session, jobId, this.#rowLock);
  }

  async saveJob(before: JobState, after: JobState): Promise<void> {
    assert(before.id === after.id, 'a job was saved over another one');
    await this.#saveJobRecord(before, after);
    if (before.plan !== after.plan) return this.#replaceNodes(after);
    assert(before.nodes.length === after.nodes.length, 'a plan keeps its number of nodes');
    for (const [ordinal, node] of after.nodes.entries()) {
      if (node !== before.nodes[ordinal]) await this.#saveNode(after.id, ordinal, node);
    }
  }

  async appendNotices(jobId: string, notices: readonly Notice[]): Promise<readonly StoredNotice[]> {
    if (notices.length === 0) return [];
    // The count in the job's row hands out the numbers, and locks the job where rows are locked.
    const [row] = await this.session.query(
      'update jobs set notice_count = notice_count + ? where id = ? returning notice_count',
      [notices.length, jobId],
    );
    const total = Number(required(row, `job ${jobId}`)['notice_count']);
    const first = total - notices.length + 1;
    const stored = notices.map((notice, index) => ({ sequence: first + index, notice }));
    await insertRows(this.session, {
      table: 'notices',
      columns: ['job_id', 'sequence', 'notice'],
      rows: stored.map(({ sequence, notice }) => [jobId, sequence, noticeColumn.toSql(notice)]),
    });
    return stored;
  }

  expireJobs(query: ExpiryQuery): Promise<readonly string[]> {
    return expireJobs(this.session, query);
  }

  markDeleted(jobId: string, atMs: number): Promise<boolean> {
    return markDeleted(this.session, jobId, atMs);
  }

  addRemoval(removal: Removal): Promise<void> {
    return addRemoval(this.session, removal);
  }

  finishRemoval(removal: Removal): Promise<void> {
    return finishRemoval(this.session, removal);
  }

  claimKey(claim: IdempotencyKey): Promise<IdempotencyKey> {
    return claimKey(this.session, claim);
  }

  expireKeys(createdUntilMs: number): Promise<void> {
    return expireKeys(this.session, createdUntilMs);
  }

  onCommit(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async #saveJobRecord(before: JobState, after: JobState): Promise<void> {
    const { upload: _, sourceRemovedAtMs: _1, productsRemovedAtMs: _2, ...columns } = jobColumns;
    const changes = changesOf<Omit<JobState, 'nodes'>>(columns, before, after);
    if (changes.length === 0) return;
    const rows = await this.session.query(
      `update jobs set ${changes.map(({ name }) => `${name} = ?`).join(', ')} ` +
        'where id = ? returning id',
      [...changes.map(({ value }) => value), after.id],
    );
    assert(rows.length === 1, `job ${after.id} is not in the store`);
  }

  /** With another plan every node may be another one, and in another place. */
  async #replaceNodes({ id, nodes }: JobState): Promise<void> {
    await this.session.query('delete from nodes where job_id = ?', [id]);
    await this.#insertNodes(id, nodes);
  }

  #insertNodes(jobId: string, nodes: readonly NodeRecord[]): Promise<void> {
    return insertRows(this.session, {
      table: 'nodes',
      columns: ['job_id', 'ordinal', ...namesOf(nodeColumns)],
      rows: nodes.map((node, ordinal) => [jobId, ordinal, ...toValues(nodeColumns, node)]),
    });
  }

  async #saveNode(jobId: string, ordinal: number, node: NodeRecord): Promise<void> {
    const values = [...toValues(nodeColumns, node), jobId, ordinal];
    const rows = await this.session.query(nodeUpdate, values);
    assert(rows.length === 1, `node ${node.id} of job ${jobId} is not in the store`);
  }
}

async function readJob(
  session: SqlSession,
  jobId: string,
  ending: string,
): Promise<StoredJob | undefined> {
  const jobs = await session.query(`${jobSelection} where id = ?${ending}`, [jobId]);
  const [job] = await withNodes(session, jobs);
  return job;
}

async function listJobs(session: SqlSession, query: JobQuery): Promise<JobPage> {
  assert(query.limit >= 1 && query.limit <= pageSizeMax, `page size ${query.limit}`);
  const conditions = ['deleted_at_ms is null'];
  const values: SqlValue[] = [];
  if (query.phase !== undefined) {
    conditions.push('phase = ?');
    values.push(query.phase);
  }
  if (query.tenant !== undefined) {
    conditions.push('tenant = ?');
    values.push(query.tenant);
  }
  if (query.after !== undefined) {
    const { createdAtMs, id } = parseJobCursor(query.after);
    conditions.push('(created_at_ms, id) < (?, ?)');
    values.push(createdAtMs, id);
  }
  const rows = await session.query(
    `${jobSelection} where ${conditions.join(' and ')} order by created_at_ms desc, id desc limit ?`,
    // One more than asked: it tells whether there is another page.
    [...values, query.limit + 1],
  );
  const jobs = await withNodes(session, rows.slice(0, query.limit));
  const last = jobs.at(-1);
  return rows.length > query.limit && last !== undefined
    ? { jobs, next: formatJobCursor(last.state) }
    : { jobs };
}

/** The jobs of the rows, same order, with their nodes. */
async function withNodes(
  session: SqlSession,
  jobRows: readonly SqlRow[],
): Promise<readonly StoredJob[]> {
  if (jobRows.length === 0) return [];
  const ids = jobRows.map((row) => String(row['id']));
  const nodeRows = await session.query(
    `${nodeSelection} where job_id in (${ids.map(() => '?').join(', ')}) order by job_id, ordinal`,
    ids,
  );
  const nodesByJob = Map.groupBy(nodeRows, (row) => row['job_id']);
  return jobRows.map((row) => {
    const { upload, sourceRemovedAtMs, productsRemovedAtMs, ...record } = fromRow(jobColumns, row);
    const nodes = (nodesByJob.get(record.id) ?? []).map((node) => fromRow(nodeColumns, node));
    return {
      state: { ...record, nodes },
      upload,
      ...(sourceRemovedAtMs !== undefined && { sourceRemovedAtMs }),
      ...(productsRemovedAtMs !== undefined && { productsRemovedAtMs }),
    };
  });
}

async function insertRows(
  session: SqlSession,
  insert: {
    readonly table: string;
    readonly columns: readonly string[];
    readonly rows: readonly (readonly SqlValue[])[];
  },
): Promise<void> {
  const { table, columns, rows } = insert;
  const tuple = `(${columns.map(() => '?').join(', ')})`;
  for (let start = 0; start < rows.length; start += rowsPerInsertMax) {
    const part = rows.slice(start, start + rowsPerInsertMax);
    await session.query(
      `insert into ${table} (${columns.join(', ')}) values ${part.map(() => tuple).join(', ')}`,
      part.flat(),
    );
  }
}
