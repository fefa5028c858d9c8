import type { JobPhase, JobState } from '../scheduler/job-state.ts';
import type { Notice } from '../scheduler/effect.ts';
import type { NodeResult, ResultIndex } from './result-index.ts';

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
  /** A job with its upload, or undefined; one that is being deleted is not there any more. */
  readJob(jobId: string): Promise<StoredJob | undefined>;
  /** Jobs that are not being deleted, newest first. An `after` that is no `next` throws `StoreError` with `invalid_request`. */
  listJobs(query: JobQuery): Promise<JobPage>;
  /** Notices with a sequence number greater than `afterSequence`, oldest first, at most `limit`. */
  readNotices(query: NoticeQuery): Promise<readonly StoredNotice[]>;
  /** Ids of the jobs that have not ended, oldest first; also of those that are being deleted. */
  listUnfinishedJobIds(): Promise<readonly string[]>;
  /** When the job ended, of all that still have such files, that ended first. */
  nextEnd(kept: KeptFiles): Promise<number | undefined>;
  /** What is still to be removed of jobs that have ended, by job id, from behind `after` on. */
  listRemovals(query: {
    readonly after?: Removal;
    readonly limit: number;
  }): Promise<readonly Removal[]>;
  /** The key of a tenant, if a job was made with it. */
  findKey(tenant: string, key: string): Promise<IdempotencyKey | undefined>;
  /** When the oldest key was made. */
  oldestKeyMs(): Promise<number | undefined>;
  /** What a node made that ran with this key, if it is kept. */
  readResult(key: string): Promise<NodeResult | undefined>;
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
  /** The results that are kept for other jobs. */
  readonly results: ResultIndex;
  insertJob(job: StoredJob): Promise<void>;
  /** The job, locked against other transactions until this one ends. */
  loadJob(jobId: string): Promise<StoredJob | undefined>;
  /**
   * Stores `after`, writing only what differs from `before` (node records are compared by reference,
   * as the core shares what it does not change). With another plan (by reference, too) the records may be
   * others, in another order and number.
   */
  saveJob(before: JobState, after: JobState): Promise<void>;
  /** Appends notices to the job's history; sequence numbers start at 1 and have no gaps. */
  appendNotices(jobId: string, notices: readonly Notice[]): Promise<readonly StoredNotice[]>;
  /**
   * Makes the files of ended jobs removed, oldest end first, at most `limit` jobs: they count as removed
   * from now on, and each is among {@link Store.listRemovals} until that is finished. Without its products
   * a job has no source either. Returns the ids of the jobs, in no order.
   */
  expireJobs(query: ExpiryQuery): Promise<readonly string[]>;
  /**
   * Marks a job as being deleted: nobody sees it any more, its keys are free, and its removal is listed
   * once it has ended. False when there is no such job, or it is being deleted already.
   */
  markDeleted(jobId: string, atMs: number): Promise<boolean>;
  /** Lists files for their removal once their job has ended; twice is once. */
  addRemoval(removal: Removal): Promise<void>;
  /** The files are gone, or wanted again: forgets the removal and, where the whole job was to go, every row of it. */
  finishRemoval(removal: Removal): Promise<void>;
  /** Makes the key the job's unless it is another one's already; returns the one that holds. */
  claimKey(claim: IdempotencyKey): Promise<IdempotencyKey>;
  /** Forgets the keys that were made at that time or before. */
  expireKeys(createdUntilMs: number): Promise<void>;
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
  /** When the upload and the files that only nodes needed were removed; absent while they are there. */
  readonly sourceRemovedAtMs?: number;
  /** When the products were removed; absent while they are there. */
  readonly productsRemovedAtMs?: number;
}

/** The files of an ended job that are kept for a time: `source` is what a retry of the job needs. */
export type KeptFiles = 'source' | 'products';

/**
 * Files that are to be removed; `published` are the products in the storage alone, `job` is everything,
 * with the job itself.
 */
export interface Removal {
  readonly jobId: string;
  readonly scope: KeptFiles | 'published' | 'job';
}

/** Which jobs lose their files. */
export interface ExpiryQuery {
  readonly kept: KeptFiles;
  /** Those that ended at that time or before. */
  readonly endedUntilMs: number;
  /** The present time. */
  readonly atMs: number;
  readonly limit: number;
}

/** A client's name for a request, so that sending it again makes no second job. */
export interface IdempotencyKey {
  readonly tenant: string;
  /** 1–255 characters; unique for its tenant. */
  readonly key: string;
  /** What the request asked for; see `fingerprintOf`. */
  readonly fingerprint: string;
  readonly jobId: string;
  readonly createdAtMs: number;
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
  readonly tenant?: string;
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
