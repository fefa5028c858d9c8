import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { assert } from '../base/assert.ts';
import { mebibyte } from '../base/units.ts';

/** A file of an attempt that is to be kept. */
export interface OutputFile {
  /** Its name in the attempt's directory. */
  readonly name: string;
  /** Lowercase hex, where it is known already; else the file is read. */
  readonly sha256?: string;
}

/** An output that is whole, durable and at its place. */
export interface PromotedFile {
  readonly name: string;
  /** Relative to the data directory. */
  readonly path: string;
  readonly bytes: number;
  /** Lowercase hex. */
  readonly sha256: string;
}

/** An attempt, as far as its directories are concerned. */
export interface AttemptKey {
  readonly jobId: string;
  readonly nodeId: string;
  readonly attempt: number;
}

/**
 * The directory that holds uploads and the files of unfinished work:
 *
 * ```
 * <root>/incoming/<jobId>/in                     the upload
 * <root>/scratch/<jobId>.<nodeId>.<attempt>/     where an attempt works; nothing in it counts
 * <root>/jobs/<jobId>/<nodeId>/<attempt>/        the outputs of one attempt, whole, and no other file
 * ```
 *
 * An attempt's directories are its own, so an attempt that lost its right to run can do no harm. Its
 * outputs come from the one to the other by a single rename: they are all there or none is.
 */
export class Workspace {
  readonly #root: string;
  readonly #scratch: string;

  /** `root` is the absolute path of the data directory. */
  constructor(root: string) {
    this.#root = root;
    this.#scratch = join(root, 'scratch');
  }

  /** The absolute path of something that is recorded relative to the data directory. */
  absolute(relativePath: string): string {
    return join(this.#root, relativePath);
  }

  /** Makes the directory that an attempt works in, empty, and returns its absolute path. */
  async createAttempt(key: AttemptKey): Promise<string> {
    const directory = this.#scratchPath(key);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /**
   * Keeps the outputs of an attempt, in the order given, and removes what else it left behind. When it
   * resolves, they are on disk at their place, whatever happens to the power.
   *
   * @throws Error when an output is absent or no regular file, or when the disk does not do it.
   */
  async promote(key: AttemptKey, outputs: readonly OutputFile[]): Promise<readonly PromotedFile[]> {
    const scratch = this.#scratchPath(key);
    const path = outputPath(key);
    const target = this.absolute(path);
    await removeAllBut(
      scratch,
      outputs.map(({ name }) => name),
    );
    const digests = await Promise.all(outputs.map((output) => seal(scratch, output)));
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(scratch, target);
    await syncUpTo(this.#root, target);
    return digests.map((digest) => ({ ...digest, path: `${path}/${digest.name}` }));
  }

  /** Removes all files of an attempt; nothing there is fine. */
  async removeAttempt(key: AttemptKey): Promise<void> {
    await rm(this.#scratchPath(key), { recursive: true, force: true });
    await rm(this.absolute(outputPath(key)), { recursive: true, force: true });
  }

  /** Removes what attempts of an earlier life of the service left behind; none may be running. */
  async clearScratch(): Promise<void> {
    await rm(this.#scratch, { recursive: true, force: true });
  }

  /** Removes one file by its recorded path; nothing there is fine. */
  async removeFile(relativePath: string): Promise<void> {
    await rm(this.absolute(relativePath), { force: true });
  }

  #scratchPath({ jobId, nodeId, attempt }: AttemptKey): string {
    // Neither id holds a dot.
    return join(this.#scratch, `${jobId}.${nodeId}.${attempt}`);
  }
}

function outputPath({ jobId, nodeId, attempt }: AttemptKey): string {
  return `jobs/${jobId}/${nodeId}/${attempt}`;
}

async function removeAllBut(directory: string, names: readonly string[]): Promise<void> {
  for (const entry of await readdir(directory)) {
    if (names.includes(entry)) continue;
    await rm(join(directory, entry), { recursive: true, force: true });
  }
}

/** Makes the bytes of an output durable and says what they are. */
async function seal(
  directory: string,
  { name, sha256 }: OutputFile,
): Promise<Omit<PromotedFile, 'path'>> {
  const path = join(directory, name);
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stat = await file.stat();
    assert(stat.isFile(), `the output ${name} is no regular file`);
    await file.sync();
    return { name, bytes: stat.size, sha256: sha256 ?? (await sha256Of(path)) };
  } finally {
    await file.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: mebibyte }), hash);
  return hash.digest('hex');
}

/** Makes the names in a directory durable, and those of it and the directories around it. */
async function syncUpTo(root: string, directory: string): Promise<void> {
  const directories = [directory];
  for (let at = directory; at !== root; at = dirname(at)) directories.push(dirname(at));
  await Promise.all(directories.map(syncDirectory));
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
