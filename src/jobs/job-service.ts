import type { Failure } from '../base/failure.ts';
import type { JsonObject } from '../base/json.ts';
import type { Result } from '../base/result.ts';
import type { JobPage, JobQuery, StoredJob, StoredNotice, Upload } from '../store/store.ts';
import type { StoredObject, ByteRange } from '../storage/storage.ts';
import type { Artifact } from '../graph/artifact.ts';

/**
 * Everything the edges (API, CLI) may do with jobs. Besides what is named, every call may fail with
 * `storage` or `unavailable`: the state of the jobs cannot be read or written.
 */
export interface JobService {
  /**
   * Creates a job for an upload that is complete and lies under `incoming/`; durable when it resolves.
   * Failures: `not_found` (no such pipeline), `invalid_request` (parameters), `unavailable` (too many
   * jobs have not ended), `idempotency_key_reused` (the key stands for another request).
   *
   * With the key of an earlier request that asked for the same, it answers with the job of that one: its
   * id is not the one that was given, whose upload nobody needs.
   */
  submit(request: SubmitRequest): Promise<Result<StoredJob, Failure>>;
  /** The job that was made with a key, and the {@link fingerprintOf} its request; undefined for none. */
  findByKey(key: RequestKey): Promise<Result<KeyedJob | undefined, Failure>>;
  get(jobId: string): Promise<Result<JobSnapshot, Failure>>;
  /** Jobs, newest first; `invalid_request` when `after` is not the `next` of another page. */
  list(query: JobQuery): Promise<Result<JobPage, Failure>>;
  /** Ends a job; its children are stopped. A job that has ended stays as it is (`conflict`). */
  cancel(jobId: string): Promise<Result<StoredJob, Failure>>;
  /**
   * Deletes a job with all its files, products included; one that still runs is cancelled first. It is
   * gone for everybody at once, and `removing` says that its children or its files take longer than ten
   * seconds. Failure: `not_found`, also of a job that is being deleted.
   */
  delete(jobId: string): Promise<Result<Deletion, Failure>>;
  /**
   * Lets an ended job go on, by its pipeline as it is today and the parameters it was made with: nodes
   * that succeeded and are the same are kept with their outputs, all others run. The `nodeIds` run again
   * also when they succeeded, with everything that depends on them; so do nodes whose outputs are gone.
   * Where the pipeline of today is gone or does not take the parameters, the job goes on by the one of
   * then, with a warning. Durable when it resolves.
   *
   * Failures: `not_found`, `invalid_request` (no such node), `unavailable` (too many jobs have not
   * ended), `conflict` (it has not ended, its upload is gone, or there is nothing to run again), `storage`
   * (the disk has no room for what it will write).
   */
  retry(jobId: string, nodeIds?: readonly string[]): Promise<Result<StoredJob, Failure>>;
  /**
   * Follows a job: first the stored notices after `afterSequence`, then live ones and progress, in
   * order, without a gap. Ends when all was told of a job that has ended (a job that was retried has
   * ended more than once), or when `signal` aborts.
   *
   * @throws StoreError when the notices cannot be read.
   */
  follow(jobId: string, afterSequence: number, signal: AbortSignal): AsyncIterable<JobUpdate>;
  /**
   * Opens a product; `not_found` until its node succeeded, `expired` once the job's products were removed.
   * The caller destroys the stream.
   */
  openArtifact(
    jobId: string,
    name: string,
    range?: ByteRange,
  ): Promise<Result<OpenedArtifact, Failure>>;
}

/** What a new job needs. */
export interface SubmitRequest {
  readonly jobId: string;
  readonly upload: Upload;
  readonly pipeline: string;
  /** Values for the pipeline's `params:`; checked against their declarations. */
  readonly params: JsonObject;
  /** On whose behalf; the service's only tenant when absent. */
  readonly tenant?: string;
  /** Whether results of earlier jobs may be used, and its own kept for later ones; true when absent. */
  readonly usesCache?: boolean;
  /** −100 … 100. */
  readonly priority: number;
  /** The client's name for the request: 1–255 characters. */
  readonly idempotencyKey?: string;
}

/** A key of requests; each tenant has its own. */
export interface RequestKey {
  /** The service's only tenant when absent. */
  readonly tenant?: string;
  readonly key: string;
}

/** The job that was made with a key. */
export interface KeyedJob {
  readonly job: StoredJob;
  readonly fingerprint: string;
}

/** How far a deletion is: complete, or still going on. */
export type Deletion = 'removed' | 'removing';

/** A job with the progress of its running nodes. */
export interface JobSnapshot {
  readonly job: StoredJob;
  /** Node id → 0…1, for running nodes that reported any. */
  readonly progress: ReadonlyMap<string, number>;
}

/** Something new about a followed job. */
export type JobUpdate =
  | ({ readonly type: 'notice' } & StoredNotice)
  | { readonly type: 'progress'; readonly nodeId: string; readonly fraction: number };

/** A product, opened for reading. */
export interface OpenedArtifact {
  readonly artifact: Artifact;
  readonly object: StoredObject;
}
