import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../base/clock.ts';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { lockFile, type LockMessages } from '../storage/lock-file.ts';
import { makeDirectory } from '../storage/make-directory.ts';
import { syncPath } from '../storage/sync-path.ts';
import type { PublishedModel } from './model-catalog.ts';
import { cancelled, fileFailure, ModelDownload } from './model-download.ts';
import { partEnding, sizeOf } from './model-state.ts';

/** Which model to fetch, from where and to where. */
export interface ModelFetch {
  readonly model: PublishedModel;
  /** Absolute path of the directory of the models; made when it is not there. */
  readonly directory: string;
  /** Address that the model's path is below: `https://huggingface.co` or a mirror. */
  readonly baseUrl: string;
}

/** How the caller follows and ends a fetch. */
export interface FetchControl {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Bytes of the model that are on disk; starts with those of an earlier, interrupted fetch. */
  onProgress(bytesDone: number): void;
  /** Another attempt follows after `delayMs`, because of `reason`. */
  onRetry(reason: Failure, delayMs: number): void;
}

/** A model that is there, with its size and digest checked. */
export interface FetchedModel {
  /** Absolute. */
  readonly path: string;
  /** Whether nothing had to be downloaded. */
  readonly wasThere: boolean;
}

/** Requests for one file in a row, at most. */
export const attemptsMax = 8;

/** Wait before the second attempt; it doubles up to {@link delayMsMax}. */
const delayMsMin = 1000;

/** Longest wait between two attempts: a router needs about that long to come back. */
const delayMsMax = 15_000;

/**
 * Brings a published model into a directory. The bytes are collected in a `.part` file, from which the
 * next fetch goes on whatever ended this one; the model's own name exists only for a file of the right
 * size and SHA-256, durably on disk. A file of that name with other content is replaced, one with the
 * right content is left alone. One fetch at a time works in a directory.
 *
 * Failures: `cancelled` (`signal`), `conflict` (another fetch is under way), `invalid_request` (the
 * address), `resource` (disk full), `storage`, `invalid_output` (other bytes than the published ones),
 * and the ones of {@link ModelDownload.attempt}, once {@link attemptsMax} attempts were in vain.
 */
export async function fetchModel(
  fetch: ModelFetch,
  control: FetchControl,
): Promise<Result<FetchedModel, Failure>> {
  const url = toUrl(fetch);
  if (!url.ok) return url;
  try {
    await makeDirectory(fetch.directory, 0o777);
    const lock = lockFile(join(fetch.directory, '.fetch.lock'), lockMessages);
    if (!lock.ok) return lock;
    using held = new DisposableStack();
    held.use(lock.value);
    return await fetchLocked(fetch, url.value, control);
  } catch (thrown) {
    return err(control.signal.aborted ? cancelled() : fileFailure(thrown));
  }
}

/** One process at a time fetches into a directory of models. */
const lockMessages: LockMessages = {
  held: 'Another fetch of a model is under way. Wait until it is done.',
  unwritable: 'The directory of the models cannot be written to.',
};

/** The address of the model's file. Only http and https make sense; http suits a mirror nearby. */
function toUrl({ model, baseUrl }: ModelFetch): Result<URL, Failure> {
  const url = URL.parse(model.path, baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
  if (url !== null && /^https?:$/.test(url.protocol)) return ok(url);
  const message = `\`${baseUrl}\` is not the address of a server. Set \`modelsUrl\` to one such as https://huggingface.co.`;
  return err(failure('invalid_request', message));
}

async function fetchLocked(
  { model, directory }: ModelFetch,
  url: URL,
  control: FetchControl,
): Promise<Result<FetchedModel, Failure>> {
  const path = join(directory, model.fileName);
  if ((await sizeOf(path)) === model.bytes) {
    if ((await hashFile(path, control.signal)) === model.sha256)
      return ok({ path, wasThere: true });
  }
  const partPath = path + partEnding;
  const room = await checkRoom(directory, model.bytes - ((await sizeOf(partPath)) ?? 0));
  if (!room.ok) return room;
  const downloaded = await downloadPart(partPath, { url, bytes: model.bytes }, control);
  if (!downloaded.ok) return downloaded;
  const sha256 = await hashFile(partPath, control.signal);
  if (sha256 !== model.sha256) {
    await rm(partPath);
    const message =
      'What was downloaded is not the published model (its SHA-256 differs), so it was deleted. Run it again; if that does not help, something on the way changes the file.';
    const detail = `${url.href}: ${sha256} instead of ${model.sha256}`;
    return err(failure('invalid_output', message, detail));
  }
  await rename(partPath, path);
  await syncPath(directory);
  return ok({ path, wasThere: false });
}

/** Fills the part file to its size, and makes its bytes durable. */
async function downloadPart(
  partPath: string,
  file: { readonly url: URL; readonly bytes: number },
  control: FetchControl,
): Promise<Result<void, Failure>> {
  await using part = await open(partPath, 'a');
  const { size } = await part.stat();
  if (size > file.bytes) await part.truncate(0);
  if (size !== file.bytes) {
    const filled = await fillPart(part, file, control);
    if (!filled.ok) return filled;
  }
  await part.sync();
  return ok(undefined);
}

async function fillPart(
  part: FileHandle,
  file: { readonly url: URL; readonly bytes: number },
  control: FetchControl,
): Promise<Result<void, Failure>> {
  const { signal, clock } = control;
  const download = new ModelDownload(part, {
    ...file,
    signal,
    clock,
    onProgress: (bytesDone) => control.onProgress(bytesDone),
  });
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await download.attempt();
    if (outcome.ok) return outcome;
    const { failure: reason, isPassing } = outcome.error;
    if (!isPassing || attempt === attemptsMax) return err(reason);
    const delayMs = Math.min(delayMsMax, delayMsMin * 2 ** (attempt - 1));
    control.onRetry(reason, delayMs);
    await waitFor(delayMs, control);
    if (signal.aborted) return err(cancelled());
  }
}

/** Waits, or returns at once when the signal aborts. */
function waitFor(delayMs: number, { clock, signal }: FetchControl): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancelTimer();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancelTimer = clock.after(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

async function checkRoom(directory: string, bytes: number): Promise<Result<void, Failure>> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (bytes <= free) return ok(undefined);
  const message = `The disk is too full: ${formatBytes(bytes)} are needed, ${formatBytes(free)} are free.`;
  return err(failure('resource', message, directory));
}

/** SHA-256 of what is on disk, which is what will be loaded. */
async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}
