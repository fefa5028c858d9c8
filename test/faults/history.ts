/** One upload, as the client that sent it saw it. */
export interface UploadRecord {
  /**
   * What the client called the film. Only what is sent again with its key has the name of another upload,
   * so a job is found by it.
   */
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of the whole file, lowercase hex. */
  readonly sha256: string;
  /** Its `Idempotency-Key`. */
  readonly key?: string;
  /** The code that a job of this film fails with; a job of any other film has to succeed. */
  readonly failsWith?: string;
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

/** A request about a job and its answer; without a status there was none. */
export interface RequestRecord {
  readonly jobId: string;
  readonly status?: number;
}

/** What a client was told of a job's state. */
export interface ReadRecord {
  readonly jobId: string;
  readonly state: string;
  /** Retries that the client had asked for before, of any job. */
  readonly retriesBefore: number;
}

/** All that clients asked and were answered, each list in order. */
export interface History {
  readonly uploads: readonly UploadRecord[];
  readonly cancels: readonly RequestRecord[];
  readonly deletes: readonly RequestRecord[];
  readonly retries: readonly RequestRecord[];
  readonly reads: readonly ReadRecord[];
}
