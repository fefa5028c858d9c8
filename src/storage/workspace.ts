import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Size and digest of a file. */
export interface FileDigest {
  readonly bytes: number;
  /** Lowercase hex. */
  readonly sha256: string;
}

/** An attempt, as far as its directory is concerned. */
export interface AttemptKey {
  readonly jobId: string;
  readonly nodeId: string;
  readonly attempt: number;
}

/**
 * The directory that holds uploads and the files of unfinished work:
 *
 * ```
 * <root>/incoming/<jobId>/in                 the upload
 * <root>/jobs/<jobId>/<nodeId>/<attempt>/    outputs of one attempt, and of no other
 * ```
 *
 * An attempt's directory is its own, so an attempt that lost its right to run can do no harm.
 */
export class Workspace {
  readonly #root: string;

  /** `root` is the absolute path of the data directory. */
  constructor(root: string) {
    this.#root = root;
  }

  /** The absolute path of something that is recorded relative to the data directory. */
  absolute(relativePath: string): string {
    return join(this.#root, relativePath);
  }

  /** Where an attempt's outputs lie, relative to the data directory. */
  attemptPath(key: AttemptKey): string {
    return `jobs/${key.jobId}/${key.nodeId}/${key.attempt}`;
  }

  /** Makes an attempt's directory, empty also when an earlier life of the service left one. */
  async createAttempt(key: AttemptKey): Promise<string> {
    const directory = this.absolute(this.attemptPath(key));
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /** Removes an attempt's directory with all that is in it; nothing there is fine. */
  async removeAttempt(key: AttemptKey): Promise<void> {
    await rm(this.absolute(this.attemptPath(key)), { recursive: true, force: true });
  }

  /** Removes one file by its recorded path; nothing there is fine. */
  async removeFile(relativePath: string): Promise<void> {
    await rm(this.absolute(relativePath), { force: true });
  }

  /**
   * Makes a finished output durable and says what it is.
   *
   * @param knownSha256 saves reading the file when the digest is known already.
   */
  async seal(path: string, knownSha256: string | undefined): Promise<FileDigest> {
    const sha256 = knownSha256 ?? (await sha256Of(path));
    const file = await open(path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    return { bytes: (await stat(path)).size, sha256 };
  }

  /** Makes the names in a directory durable. */
  async sealDirectory(directory: string): Promise<void> {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
