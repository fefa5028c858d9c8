import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { assert, required } from '../base/assert.ts';
import { errorCodeOf } from '../base/error-code.ts';
import { failure, failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { jobIdPattern } from '../base/ids.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import { shareFile } from './share-file.ts';
import { parseStorageKey } from './storage-key.ts';
import type { ByteRange, KeptObjects, Storage, StorageObject, StoredObject } from './storage.ts';
import { syncIfThere, syncPath } from './sync-path.ts';

/**
 * Storage in a local directory:
 *
 * ```
 * <root>/<jobId>/<artifact name>
 * <root>/.put/<random>             an object that is not whole yet
 * ```
 *
 * On one file system storing is a hard link, instant and without a second copy: artifacts are never
 * changed, only removed, and each name is removed on its own. Elsewhere it is a copy.
 */
export class LocalStorage implements Storage {
  readonly #root: string;
  readonly #parts: string;

  /** `root` is an absolute path; the directory is made when it is needed. */
  constructor(root: string) {
    this.#root = root;
    this.#parts = join(root, '.put');
  }

  /** See {@link Storage.sweep}. */
  async sweep(): Promise<Result<void, Failure>> {
    try {
      await rm(this.#parts, { recursive: true, force: true });
      return ok(undefined);
    } catch (thrown) {
      const message = 'What interrupted puts left in the storage could not be removed.';
      return err(failureFromThrown(thrown, 'storage', message));
    }
  }

  /** See {@link Storage.put}; when it resolves, the object is on disk. */
  async put(object: StorageObject, signal: AbortSignal): Promise<Result<void, Failure>> {
    const { jobId, name } = required(parseStorageKey(object.key), `a key in "${object.key}"`);
    const directory = join(this.#root, jobId);
    const part = join(this.#parts, randomBytes(8).toString('hex'));
    try {
      await this.#makeDirectory(directory);
      await mkdir(this.#parts, { recursive: true, mode: 0o700 });
      await shareFile(object.path, part);
      const verified = await verify(part, object, signal);
      if (!verified.ok) return verified;
      await syncPath(part);
      await rename(part, join(directory, name));
      await syncPath(directory);
      return ok(undefined);
    } catch (thrown) {
      if (signal.aborted) return err(failure('cancelled', 'Storing a product was stopped.'));
      return err(failureFromThrown(thrown, 'storage', `"${name}" could not be stored.`));
    } finally {
      // Also after a rename: it does nothing where both names are links of one file (rename(2)). What
      // stands in the way here has been told above.
      await rm(part, { force: true }).catch(() => undefined);
    }
  }

  /** See {@link Storage.open}. */
  async open(key: string, range?: ByteRange): Promise<Result<StoredObject, Failure>> {
    const parsed = parseStorageKey(key);
    if (parsed === undefined) return err(noObject());
    const path = join(this.#root, parsed.jobId, parsed.name);
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const { size } = await file.stat();
      const bounds = range === undefined ? {} : { start: range.first, end: range.last };
      return ok({ bytes: size, body: file.createReadStream(bounds) });
    } catch (thrown) {
      if (errorCodeOf(thrown) === 'ENOENT') return err(noObject());
      return err(failureFromThrown(thrown, 'storage', 'A product could not be read.'));
    }
  }

  /** See {@link Storage.removeAllBut}; when it resolves, they are off the disk. */
  async removeAllBut(
    { jobId, names }: KeptObjects,
    signal: AbortSignal,
  ): Promise<Result<void, Failure>> {
    assert(jobIdPattern.test(jobId), 'removeAllBut takes a job id');
    const directory = join(this.#root, jobId);
    try {
      for (const name of await readdir(directory)) {
        if (signal.aborted) return err(failure('cancelled', 'Removing products was stopped.'));
        if (!names.includes(name))
          await rm(join(directory, name), { recursive: true, force: true });
      }
      // Also where nothing was removed: an earlier call may have been cut off before it came to this.
      await syncPath(directory);
      return ok(undefined);
    } catch (thrown) {
      if (errorCodeOf(thrown) === 'ENOENT') return ok(undefined);
      return err(failureFromThrown(thrown, 'storage', 'Products could not be removed.'));
    }
  }

  /** See {@link Storage.removeJob}; when it resolves, they are off the disk. */
  async removeJob(jobId: string): Promise<Result<void, Failure>> {
    assert(jobIdPattern.test(jobId), 'removeJob takes a job id');
    try {
      await rm(join(this.#root, jobId), { recursive: true, force: true });
      await syncIfThere(this.#root);
      return ok(undefined);
    } catch (thrown) {
      return err(failureFromThrown(thrown, 'storage', 'Products could not be removed.'));
    }
  }

  /** Makes a job's directory, durably: the names above it are synced when they are new. */
  async #makeDirectory(directory: string): Promise<void> {
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncPath(this.#root);
  }
}

function noObject(): Failure {
  return failure('not_found', 'There is no such product.');
}

/** Whether what lies there is what the caller means; a mismatch is damage between node and storage. */
async function verify(
  path: string,
  { bytes, sha256, key }: StorageObject,
  signal: AbortSignal,
): Promise<Result<void, Failure>> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: mebibyte }), hash, { signal });
  const found = hash.digest('hex');
  const { size } = await lstat(path);
  if (size === bytes && found === sha256) return ok(undefined);
  const detail = `${key}: expected ${bytes} bytes, ${sha256}; found ${size} bytes, ${found}`;
  return err(failure('storage', 'A product was damaged before it could be stored.', detail));
}
