import type { Failure } from '../base/failure.ts';
import type { Result } from '../base/result.ts';
import type { Readable } from 'node:stream';

/**
 * Where published products live. Keys are `<jobId>/<artifact name>`. Adapters are held to one
 * conformance suite.
 */
export interface Storage {
  /**
   * Removes what puts left behind that were cut off in an earlier life of the service. Nothing else may be
   * called before it has settled.
   */
  sweep(): Promise<Result<void, Failure>>;
  /**
   * Stores a local file under `key`, whole or not at all, and verifies size and SHA-256. Putting the
   * same content again is a success; the old object stays readable until the new one is whole.
   */
  put(object: StorageObject, signal: AbortSignal): Promise<Result<void, Failure>>;
  /**
   * Opens the object, or a part of it; `not_found` when there is none. The caller owns the stream and
   * destroys it. `range` is inclusive and lies within the object.
   */
  open(key: string, range?: ByteRange): Promise<Result<StoredObject, Failure>>;
  /**
   * Removes what a job has under other names than these; nothing there is a success. Who reads an object
   * goes on reading it. `cancelled` when it was stopped, with some of it removed or none.
   */
  removeAllBut(kept: KeptObjects, signal: AbortSignal): Promise<Result<void, Failure>>;
  /** Removes everything under `<jobId>/`; nothing there is a success. */
  removeJob(jobId: string): Promise<Result<void, Failure>>;
}

/** What stays of a job. */
export interface KeptObjects {
  readonly jobId: string;
  /** Artifact names; an object need not be there. */
  readonly names: readonly string[];
}

/** A file to store. */
export interface StorageObject {
  readonly key: string;
  /** Absolute path of the local file. */
  readonly path: string;
  readonly bytes: number;
  /** Lowercase hex. */
  readonly sha256: string;
  readonly mediaType: string;
}

/** First and last byte, both inclusive, zero-based. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** An opened object. */
export interface StoredObject {
  /** Size of the whole object in bytes, also when a range was asked for. */
  readonly bytes: number;
  readonly body: Readable;
}
