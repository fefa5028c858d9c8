import { constants } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { assert } from '../base/assert.ts';
import { errorCodeOf } from '../base/error-code.ts';
import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { jobIdPattern } from '../base/ids.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Upload } from '../store/store.ts';
import { DiskLedger } from './disk-ledger.ts';
import { hasRoom, readDiskSpace, type DiskSpace } from './disk-space.ts';
import { makeDirectory } from './make-directory.ts';
import { toLabel } from './label.ts';
import { syncPath } from './sync-path.ts';
import { IntakeError, UploadSink } from './upload-sink.ts';

/** The door for uploads: takes them in, durably, and removes what nobody will use. */
export interface Intake {
  /**
   * Sets room aside for an upload and its job, before anything is read; see {@link DiskLedger.admit}. It is
   * given back by a failed {@link receive}, by {@link discard}, and at the end of the job.
   */
  admit(jobId: string, bytesExpected: number | undefined): Promise<Result<void, Failure>>;
  /** See {@link receiveUpload}. */
  receive(stream: Readable, request: IntakeRequest): Promise<Result<Upload, Failure>>;
  /** Reads a stream to its end and keeps nothing of it; otherwise like {@link receiveUpload}. */
  measure(stream: Readable, request: MeasureRequest): Promise<Result<UploadDigest, Failure>>;
  /** See {@link discardUpload}. */
  discard(jobId: string): Promise<Result<void, Failure>>;
  /** Ends every upload in flight; resolves once their files are gone. Idempotent. */
  close(): Promise<void>;
}

/** A stream to look at. */
export interface MeasureRequest {
  /** Largest size in bytes that is accepted. */
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

/** What tells one upload from another. */
export type UploadDigest = Pick<Upload, 'bytes' | 'sha256'>;

/** One upload to take in. */
export interface IntakeRequest extends MeasureRequest {
  /** The id of the job to be; nothing may exist under it yet. */
  readonly jobId: string;
  /** What the client calls the file; cleaned to a label here, never used as a path. */
  readonly name: string;
  /** The announced size in bytes, if any. Without room for it, or for anything, nothing is read. */
  readonly bytesExpected?: number;
}

/** An {@link IntakeRequest} with the data directory it goes to. */
export interface UploadDestination extends IntakeRequest {
  /** Absolute path of the data directory. */
  readonly directory: string;
  /** How much room is there; asks the file system unless it is said. */
  readonly readSpace?: (directory: string) => Promise<DiskSpace>;
  /** Whether the upload may go on, of which so many bytes have come; by default by {@link hasRoom}. */
  readonly checkRoom?: (bytes: number) => Promise<Result<void, Failure>>;
}

/**
 * An {@link Intake} that keeps uploads under `<directory>/incoming/`. Its caller tells `ledger` of the jobs
 * that begin and end.
 */
export function createIntake(
  directory: string,
  ledger: DiskLedger = new DiskLedger({ directory }),
): Intake {
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  const stoppable = async <Value>(
    request: MeasureRequest,
    start: (signal: AbortSignal) => Promise<Result<Value, Failure>>,
  ): Promise<Result<Value, Failure>> => {
    const receiving = start(AbortSignal.any([request.signal, closing.signal]));
    running.add(receiving);
    try {
      const received = await receiving;
      const isStopped = !received.ok && received.error.code === 'cancelled';
      return isStopped && closing.signal.aborted ? err(stopping()) : received;
    } finally {
      running.delete(receiving);
    }
  };
  return {
    admit: (jobId, bytesExpected = 0) => ledger.admit(jobId, bytesExpected),
    async receive(stream, request) {
      const { jobId } = request;
      const checkRoom = (bytes: number) => ledger.received(jobId, bytes);
      const received = await stoppable(request, (signal) =>
        receiveUpload(stream, { ...request, directory, signal, checkRoom }),
      );
      if (!received.ok) ledger.release(jobId);
      return received;
    },
    measure: (stream, request) =>
      stoppable(request, (signal) => measureUpload(stream, { ...request, signal })),
    async discard(jobId) {
      ledger.release(jobId);
      return discardUpload(directory, jobId);
    },
    async close() {
      closing.abort();
      await Promise.allSettled(running);
    },
  };
}

/**
 * Writes a stream to `<directory>/incoming/<jobId>/in` and hashes it on the way. When it succeeds, the
 * bytes and the file's name are on disk, whatever happens to the power. When it fails or is aborted,
 * the job's directory is gone.
 *
 * The caller keeps the stream: it is never destroyed here, so that an HTTP request can still be
 * answered. No more than a mebibyte of it is held in memory.
 *
 * Failures: `empty`, `limit_size`, `unsupported_format` (a playlist or another text), `storage` (also
 * when the disk is nearly full, from the beginning or in the middle; see {@link hasRoom}),
 * `cancelled` (aborted, or the stream broke off), `invalid_request` (the stream cannot be read).
 */
export async function receiveUpload(
  stream: Readable,
  destination: UploadDestination,
): Promise<Result<Upload, Failure>> {
  const { directory, jobId } = destination;
  assert(jobIdPattern.test(jobId), 'the job id of an upload has the form of a job id');
  assert(!stream.readableEnded, 'an upload is read only once');
  // From the first moment on: a stream may fail while the directory is being made.
  const source = watchSource(stream);
  const jobDirectory = join(directory, 'incoming', jobId);
  try {
    await makeDirectory(dirname(jobDirectory), 0o700);
    await requireRoom(destination);
    await mkdir(jobDirectory, { mode: 0o700 });
  } catch (thrown) {
    return err(toFailure(thrown));
  }
  try {
    const { bytes, sha256 } = await writeFile(source, jobDirectory, destination);
    const path = `incoming/${jobId}/in`;
    return ok({ name: toLabel(destination.name), bytes, sha256, path });
  } catch (thrown) {
    const discarded = await discardUpload(directory, jobId);
    return err(withCleanUp(toFailure(thrown), discarded));
  }
}

/** See {@link Intake.measure}. */
async function measureUpload(
  stream: Readable,
  request: MeasureRequest,
): Promise<Result<UploadDigest, Failure>> {
  assert(!stream.readableEnded, 'an upload is read only once');
  const sink = new UploadSink(request.bytesMax);
  try {
    await pour(watchSource(stream), sink, request.signal);
    return ok({ bytes: sink.bytes, sha256: sink.digest() });
  } catch (thrown) {
    return err(toFailure(thrown));
  }
}

/** Removes an upload that no job uses, whole or partial. Nothing there is a success. */
export async function discardUpload(
  directory: string,
  jobId: string,
): Promise<Result<void, Failure>> {
  assert(jobIdPattern.test(jobId), 'the job id of an upload has the form of a job id');
  try {
    await rm(join(directory, 'incoming', jobId), { recursive: true, force: true });
    return ok(undefined);
  } catch (thrown) {
    return err(failureFromThrown(thrown, 'storage', 'An upload could not be removed.'));
  }
}

/** What `finished` says of a stream that closed without its end. */
const breakOffCodes: ReadonlySet<unknown> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET']);

/** The two ways in which a file system says that it is full. */
const fullCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** Whether the upload may begin, or go on after so many bytes. */
async function requireRoom(destination: UploadDestination, bytes = 0): Promise<void> {
  const { directory, readSpace = readDiskSpace, checkRoom, bytesExpected = 0 } = destination;
  if (checkRoom !== undefined) {
    const checked = await checkRoom(bytes);
    if (!checked.ok) throw new IntakeError(checked.error);
    return;
  }
  const comingBytes = bytes === 0 ? bytesExpected : 0;
  if (!hasRoom(await readSpace(directory), comingBytes)) throw new IntakeError(diskFull());
}

/**
 * The order is what makes it durable: the bytes, then the final name, then the directories that hold
 * the names. A file called `in` is therefore always whole.
 */
async function writeFile(
  source: Source,
  jobDirectory: string,
  destination: UploadDestination,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const partPath = join(jobDirectory, 'in.part');
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = await open(partPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  let sink: UploadSink;
  try {
    sink = new UploadSink(destination.bytesMax, {
      append: (chunk) => writeAll(handle, chunk),
      checkRoom: (bytes) => requireRoom(destination, bytes),
    });
    await pour(source, sink, destination.signal);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partPath, join(jobDirectory, 'in'));
  const incoming = dirname(jobDirectory);
  for (const path of [jobDirectory, incoming, dirname(incoming)]) await syncPath(path);
  return { bytes: sink.bytes, sha256: sink.digest() };
}

/** A stream under watch. */
interface Source {
  readonly stream: Readable;
  /** Resolves when the stream breaks; never, when it comes to its end. */
  readonly failed: Promise<Failure>;
}

function watchSource(stream: Readable): Source {
  const { promise: failed, resolve } = Promise.withResolvers<Failure>();
  finished(stream, { writable: false, cleanup: true }).catch((thrown: unknown) =>
    resolve(sourceFailure(thrown)),
  );
  return { stream, failed };
}

/** Pipes with back-pressure, without ever destroying the source. Settles when the sink has. */
async function pour(source: Source, sink: UploadSink, signal: AbortSignal): Promise<void> {
  const { stream, failed } = source;
  const abort = (): void => void sink.destroy(new IntakeError(aborted()));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  void failed.then((cause) => sink.destroy(new IntakeError(cause)));
  try {
    stream.pipe(sink);
    await finished(sink);
  } finally {
    signal.removeEventListener('abort', abort);
    stream.unpipe(sink);
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  let offset = 0;
  while (offset < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, offset);
    offset += bytesWritten;
  }
}

function toFailure(thrown: unknown): Failure {
  if (thrown instanceof IntakeError) return thrown.failure;
  const full = diskFull();
  if (fullCodes.has(errorCodeOf(thrown))) return failureFromThrown(thrown, full.code, full.message);
  return failureFromThrown(thrown, 'storage', 'The upload could not be stored.');
}

function sourceFailure(thrown: unknown): Failure {
  if (breakOffCodes.has(errorCodeOf(thrown))) {
    return failure('cancelled', 'The upload broke off before its end.');
  }
  return failureFromThrown(thrown, 'invalid_request', 'The file could not be read to its end.');
}

function withCleanUp(cause: Failure, discarded: Result<void, Failure>): Failure {
  if (discarded.ok) return cause;
  const details = [cause.operatorDetail, discarded.error.operatorDetail];
  return { ...cause, operatorDetail: details.filter((text) => text !== undefined).join('\n') };
}

function diskFull(): Failure {
  return failure('storage', 'There is not enough disk space for this upload. Try again later.');
}

function stopping(): Failure {
  return failure('unavailable', 'The service is stopping. Send the upload again in a moment.');
}

function aborted(): Failure {
  return failure('cancelled', 'The upload was stopped.');
}
