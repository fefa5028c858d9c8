import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from '../base/assert.ts';
import { errorCodeOf } from '../base/error-code.ts';
import { jobIdPattern } from '../base/ids.ts';
import { mebibyte } from '../base/units.ts';
import { syncIfThere, syncPath } from './sync-path.ts';

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

  /** The absolute path of the directory in which attempts work, each in one of its own below. */
  get scratch(): string {
    return this.#scratch;
  }

  /** The absolute path of something that is recorded relative to the data directory. */
  absolute(relativePath: string): string {
    return join(this.#root, relativePath);
  }

  /** Whether a recorded file is there, with all its bytes; what they are is not looked at. */
  async holds(file: { readonly path: string; readonly bytes: number }): Promise<boolean> {
    try {
      const found = await stat(this.absolute(file.path));
      return found.isFile() && found.size === file.bytes;
    } catch {
      // Whatever stands in the way, nobody can read it.
      return false;
    }
  }

  /** Makes the directory that an attempt works in, empty, and returns its absolute path. */
  async createAttempt(key: AttemptKey): Promise<string> {
    const directory = this.#scratchPath(key);
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (made === undefined) {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { mode: 0o700 });
    }
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
    await using handles = new AsyncDisposableStack();
    const opened: OpenedOutput[] = [];
    for (const output of outputs) {
      const file = handles.use(await open(join(scratch, output.name), outputFlags));
      opened.push({ ...output, file, bytes: await sizeOf(file, output.name) });
    }
    const made = await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(scratch, target);
    // Nothing refers to the files yet, so all of it may become durable at once: a file system takes
    // what is synced together to the disk together.
    const [promoted] = await Promise.all([
      Promise.all(opened.map((output) => seal(output, path))),
      syncDirectories(target, dirname(made ?? target)),
    ]);
    return promoted;
  }

  /**
   * Removes all files of an attempt; nothing there is fine. A worker waits for it, so it is not synced: what
   * a power failure brings back is removed by the sweep of the next start, as long as the upload is there.
   */
  async removeAttempt(key: AttemptKey): Promise<void> {
    await rm(this.#scratchPath(key), { recursive: true, force: true });
    await rm(this.absolute(outputPath(key)), { recursive: true, force: true });
  }

  /** Removes what attempts of an earlier life of the service left behind; none may be running. */
  async clearScratch(): Promise<void> {
    await rm(this.#scratch, { recursive: true, force: true });
  }

  /** Removes files by their recorded paths, durably; nothing there is fine. */
  async removeFiles(relativePaths: readonly string[]): Promise<void> {
    await removeDurably(relativePaths.map((path) => this.absolute(path)));
  }

  /** Removes the promoted outputs of attempts, none of which may be running, durably; nothing there is fine. */
  async removeOutputs(keys: readonly AttemptKey[]): Promise<void> {
    await removeDurably(keys.map((key) => this.absolute(outputPath(key))));
  }

  /** Ids of the jobs, or jobs to be, whose upload is there, whole or partial; in no order. */
  async listUploads(): Promise<readonly string[]> {
    const names = await namesIn(join(this.#root, 'incoming'));
    return names.filter((name) => jobIdPattern.test(name));
  }

  /** Removes the upload of a job, durably; nothing there is fine. */
  async removeUpload(jobId: string): Promise<void> {
    await removeDurably([this.absolute(`incoming/${jobId}`)]);
  }

  /**
   * Removes all files of a job, durably: its upload, its outputs and what is left of its attempts, none of
   * which may be running. Nothing there is fine.
   */
  async removeJob(jobId: string): Promise<void> {
    assert(jobIdPattern.test(jobId), 'removeJob takes a job id');
    for (const name of await namesIn(this.#scratch)) {
      if (!name.startsWith(`${jobId}.`)) continue;
      await rm(join(this.#scratch, name), { recursive: true, force: true });
    }
    for (const parent of ['incoming', 'jobs']) {
      await removeDurably([this.absolute(`${parent}/${jobId}`)]);
    }
  }

  /** The attempts of a job whose outputs were promoted and are still there; in no order. */
  async listPromoted(jobId: string): Promise<readonly AttemptKey[]> {
    const keys: AttemptKey[] = [];
    for (const nodeId of await namesIn(this.absolute(`jobs/${jobId}`))) {
      for (const name of await namesIn(this.absolute(`jobs/${jobId}/${nodeId}`))) {
        if (attemptPattern.test(name)) keys.push({ jobId, nodeId, attempt: Number(name) });
      }
    }
    return keys;
  }

  #scratchPath({ jobId, nodeId, attempt }: AttemptKey): string {
    // Neither id holds a dot.
    return join(this.#scratch, `${jobId}.${nodeId}.${attempt}`);
  }
}

/** The number of an attempt as a directory's name. */
const attemptPattern = /^[1-9]\d{0,8}$/;

/** What lies in a directory; nothing when there is none. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

/**
 * Removes files, and directories with all that is in them. The directories around them are synced also where
 * nothing was there: an earlier removal may have been cut off before it came to that.
 */
async function removeDurably(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true });
  for (const directory of new Set(paths.map(dirname))) await syncIfThere(directory);
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

/** How an output is opened: never through a link to something else. */
const outputFlags = constants.O_RDONLY | constants.O_NOFOLLOW;

/** An output that was found in its attempt's directory. */
interface OpenedOutput extends OutputFile {
  readonly file: FileHandle;
  readonly bytes: number;
}

async function sizeOf(file: FileHandle, name: string): Promise<number> {
  const found = await file.stat();
  assert(found.isFile(), `the output ${name} is no regular file`);
  return found.size;
}

/** Makes the bytes of an output durable and says what they are. */
async function seal(
  { name, file, bytes, sha256 }: OpenedOutput,
  directory: string,
): Promise<PromotedFile> {
  const [digest] = await Promise.all([sha256 ?? sha256Of(file, bytes), file.sync()]);
  return { name, path: `${directory}/${name}`, bytes, sha256: digest };
}

/** Bytes read at a time. */
const readBytes = mebibyte;

async function sha256Of(file: FileHandle, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(readBytes, bytes));
  for (let position = 0; position < bytes;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    assert(bytesRead > 0, 'an output was cut while it was read');
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.digest('hex');
}

/** Makes the names in a directory durable, and those in the directories around it up to `top`. */
async function syncDirectories(directory: string, top: string): Promise<void> {
  const directories = [directory];
  for (let at = directory; at !== top; at = dirname(at)) directories.push(dirname(at));
  await Promise.all(directories.map(syncPath));
}
