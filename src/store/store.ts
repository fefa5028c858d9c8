import type { JobPhase, JobState } from '../scheduler/job-state.ts';
import type { Notice } from '../scheduler/effect.ts';

/**
 * The durable state of the service. All writes happen in a transaction; when `transaction` resolves,
 * they are on disk. Adapters are held to one conformance suite.
 *
 * Every call may throw `StoreError`, whose `failure` says why: `storage` (disk full, read or write
 * error, damage, locked by another program), `unavailable` (closed, or too much waits already). A
 * transaction that throws it has changed nothing.
 */
export interface Store {
  /**
   * Runs `body` in one transaction: commits when it resolves, rolls back (and rethrows) when it
   * throws. Transactions of one process run one after another; never call it from inside `body`.
   * With a `durability` of `process` it is not waited until the disk has what was written.
   */
  transaction<Value>(
    body: (tx: StoreTransaction) => Promise<Value>,
    durability?: Durability,
  ): Promise<Value>;
  /** A job with its upload, or undefined. */
  readJob(jobId: string): Promise<StoredJob | undefined>;
  /** Jobs, newest first. An `after` that is no `next` throws `StoreError` with `invalid_request`. */
  listJobs(query: JobQuery): Promise<JobPage>;
  /** Notices with a sequence number greater than `afterSequence`, oldest first, at most `limit`. */
  readNotices(query: NoticeQuery): Promise<readonly StoredNotice[]>;
  /** Ids of the jobs that have not ended, oldest first. */
  listUnfinishedJobIds(): Promise<readonly string[]>;
  /** Releases the database; pending transactions finish first. */
  close(): Promise<void>;
}

/**
 * What committed writes survive: anything (`disk`), or the end of this process, however it comes, but
 * not a loss of power (`process`). Transactions become durable in their order, so what a loss of power
 * undoes are the last ones, and none that came before a `disk` one.
 */
export type Durability = 'disk' | 'process';

/** The writes, and reads that see them. */
export interface StoreTransaction {
  insertJob(job: StoredJob): Promise<void>;
  /** The job, locked against other transactions until this one ends. */
  loadJob(jobId: string): Promise<StoredJob | undefined>;
  /**
   * Stores `after`, writing only what differs from `before` (node records are compared by reference,
   * as the core shares what it does not change).
   */
  saveJob(before: JobState, after: JobState): Promise<void>;
  /** Appends notices to the job's history; sequence numbers start at 1 and have no gaps. */
  appendNotices(jobId: string, notices: readonly Notice[]): Promise<readonly StoredNotice[]>;
  /**
   * Calls `listener` once after this transaction was committed and before `transaction` resolves;
   * never when it was rolled back. Listeners run in the order they were given and must not throw.
   */
  onCommit(listener: () => void): void;
}

/** A job with what its upload was. */
export interface StoredJob {
  readonly state: JobState;
  readonly upload: Upload;
}

/** The file a job works on. */
export interface Upload {
  /** What the client called it: a label, control characters removed, ≤ 255 characters; never a path. */
  readonly name: string;
  readonly bytes: number;
  /** Lowercase hex. */
  readonly sha256: string;
  /** Where it lies, relative to the data directory. */
  readonly path: string;
}

/** Which jobs to list. */
export interface JobQuery {
  /** 1–100. */
  readonly limit: number;
  readonly phase?: JobPhase;
  /** Continue behind this page: the `next` of the page before. */
  readonly after?: string;
}

/** A page of jobs. */
export interface JobPage {
  readonly jobs: readonly StoredJob[];
  /** Opaque; absent on the last page. */
  readonly next?: string;
}

/** Which notices to read. */
export interface NoticeQuery {
  readonly jobId: string;
  readonly afterSequence: number;
  readonly limit: number;
}

/** A notice with its place in the job's history. */
export interface StoredNotice {
  readonly sequence: number;
  readonly notice: Notice;
}
