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
   * jobs have not ended).
   */
  submit(request: SubmitRequest): Promise<Result<StoredJob, Failure>>;
  get(jobId: string): Promise<Result<JobSnapshot, Failure>>;
  /** Jobs, newest first; `invalid_request` when `after` is not the `next` of another page. */
  list(query: JobQuery): Promise<Result<JobPage, Failure>>;
  /** Ends a job; its children are stopped. A job that has ended stays as it is (`conflict`). */
  cancel(jobId: string): Promise<Result<StoredJob, Failure>>;
  /**
   * Follows a job: first the stored notices after `afterSequence`, then live ones and progress, in
   * order, without a gap. Ends after the job's end, or when `signal` aborts.
   *
   * @throws StoreError when the notices cannot be read.
   */
  follow(jobId: string, afterSequence: number, signal: AbortSignal): AsyncIterable<JobUpdate>;
  /** Opens a product; `not_found` until its node succeeded. The caller destroys the stream. */
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
}

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
