/** One upload, as the client that sent it saw it. */
export interface UploadRecord {
  /** What the client called the file; no other upload has this name, so a job is found by it. */
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of the whole file, lowercase hex. */
  readonly sha256: string;
  readonly outcome: UploadOutcome;
}

/**
 * How an upload ended for its client. `unanswered`: the connection broke before the answer, so the job
 * may exist or not. `aborted`: the client broke off before the last byte, so no job may exist.
 */
export type UploadOutcome =
  | { readonly type: 'accepted'; readonly jobId: string }
  | { readonly type: 'refused'; readonly status: number; readonly code: string }
  | { readonly type: 'unanswered' }
  | { readonly type: 'aborted' };

/** A cancel and its answer; without a status there was none. */
export interface CancelRecord {
  readonly jobId: string;
  readonly status?: number;
}

/** What a client was told of a job's state. */
export interface ReadRecord {
  readonly jobId: string;
  readonly state: string;
}

/** All that clients asked and were answered, in order. */
export interface History {
  readonly uploads: readonly UploadRecord[];
  readonly cancels: readonly CancelRecord[];
  readonly reads: readonly ReadRecord[];
}
