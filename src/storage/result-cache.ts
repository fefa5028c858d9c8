import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { errorCodeOf } from '../base/error-code.ts';
import type { Logger } from '../base/logger.ts';
import { kibibyte } from '../base/units.ts';
import type { NodeResult, ResultUse } from '../store/result-index.ts';
import { StoreError } from '../store/store-error.ts';
import type { Store } from '../store/store.ts';
import { hasRoom, readDiskSpace, type DiskSpace } from './disk-space.ts';
import { shareFile } from './share-file.ts';

/** What the cache is made of. */
export interface ResultCacheParts {
  /** Absolute path of the data directory. */
  readonly dataDirectory: string;
  readonly store: Store;
  /** Most that the results may take; 0 keeps none. */
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How much room is there; asks the file system unless it is said. */
  readonly readSpace?: (directory: string) => Promise<DiskSpace>;
}

/** A result to keep. */
export interface NewResult {
  /** See `resultKey`. */
  readonly key: string;
  readonly result: NodeResult;
  /** Absolute path of each file that is not the upload, by name. */
  readonly paths: ReadonlyMap<string, string>;
}

/** Where the files of a result are wanted. */
export interface ResultPlace {
  /** Absolute path of an empty directory. */
  readonly directory: string;
  /** Absolute path of the job's upload, which stands for the files that are the upload. */
  readonly uploadPath: string;
}

/** Room that an entry takes besides its files: its directory (a block) and its row. */
const entryBytes = 8 * kibibyte;

/** Changes that wait at most; more are left out, as a result that is not kept is only made again. */
const changesMax = 256;

/** Entries read at a time. */
const batchMax = 256;

/**
 * Results that are looked at when one comes in on a full disk: each is a directory to read, and most of them
 * are a job's as well, so that there is nothing to gain. Twice as many as come in would do, for each to get
 * its turn.
 */
export const looksPerInsert = 64;

const keyPattern = /^[0-9a-f]{64}$/;

/**
 * Keeps what nodes made, so that a node with the same work need not run again:
 *
 * ```
 * <data directory>/cache/<key>/<name>        the files of a result, as hard links
 * <data directory>/cache/.new-<random>/      a result on its way in
 * ```
 *
 * A result counts while the store has its row. It comes in by links, a rename and the row, in this
 * order, and goes out the other way, so a crash leaves at most files without a row, which
 * {@link ResultCache.open} removes. As files are shared by links (copies, where the file system has
 * none), removing a result never touches the job that made it or one that uses it.
 *
 * Changes come one after the other, behind the work that caused them; reading waits for nothing.
 */
export class ResultCache {
  readonly #parts: ResultCacheParts;
  readonly #root: string;
  /** Room that the entries take by their rows. */
  #bytes = 0;
  #changes: Promise<void> = Promise.resolve();
  #changesWaiting = 0;
  /** The last one that was looked at for room; undefined when the next look begins with the oldest. */
  #lookedUntil: ResultUse | undefined;

  constructor(parts: ResultCacheParts) {
    this.#parts = parts;
    this.#root = join(parts.dataDirectory, 'cache');
  }

  /** Room that the results take, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Removes what a crash left half, and what is more than the limit allows. Nothing else may be called
   * before. What can't be removed is logged and takes up room until the next start.
   *
   * @throws StoreError when the store cannot be used.
   */
  async open(): Promise<void> {
    try {
      await mkdir(this.#root, { recursive: true, mode: 0o700 });
      await this.#sweep(new Set(await readdir(this.#root)));
      await this.#shrinkTo(this.#parts.bytesMax);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      this.#parts.logger.error(
        { error },
        'the directory of the kept results is not as it should be',
      );
    }
  }

  /**
   * Links the files of a result into a directory and says what they are; undefined, with an empty
   * directory, when it can't be had: there is none, it is damaged (a file is absent or has another size),
   * which removes it, or the system does not do it this time. Whoever keeps the files checks their
   * digests, and calls {@link ResultCache.drop} when they are wrong.
   *
   * @throws StoreError when the store cannot be used.
   */
  async take(key: string, place: ResultPlace): Promise<NodeResult | undefined> {
    const result = await this.#parts.store.readResult(key);
    if (result === undefined) return undefined;
    for (const file of result.files) {
      const from = file.isUpload ? place.uploadPath : join(this.#root, key, file.name);
      const obstacle = await linkWhole(from, join(place.directory, file.name), file.bytes);
      if (obstacle === undefined) continue;
      await this.#giveUp(key, obstacle);
      for (const { name } of result.files) await rm(join(place.directory, name), { force: true });
      return undefined;
    }
    this.#changeLater(() => this.#touch(key));
    return result;
  }

  /** What is only in the way now (a full disk, no handles) is no reason to lose the result. */
  async #giveUp(key: string, { isDamage, error }: Obstacle): Promise<void> {
    const { logger } = this.#parts;
    if (!isDamage) {
      logger.warn({ key, error }, 'a kept result cannot be used this time');
      return;
    }
    logger.warn({ key, error }, 'a kept result is damaged; it is removed');
    await this.drop(key);
  }

  /** Removes a result that nobody is to use any more. When it resolves, nobody is offered it. */
  async drop(key: string): Promise<void> {
    await this.#change(() => this.#remove([key]));
  }

  /**
   * Keeps a result, after the work that goes on: nobody waits for it, and when it can't be kept, that is
   * only logged. The files are linked at once, before whoever owns them removes them. There already is
   * one with that key: then that one stays.
   */
  keep(made: NewResult): void {
    assert(keyPattern.test(made.key), 'a result is kept by its key');
    const bytes = sizeOf(made.result);
    if (bytes > this.#parts.bytesMax || this.#changesWaiting >= changesMax) return;
    const linked = this.#link(made);
    // It may fail before the change is there that waits for it.
    linked.catch(ignore);
    this.#changeLater(async () => {
      const part = await linked;
      if (part !== undefined) await this.#insert(made, part);
    });
  }

  /**
   * Gives way when the disk is short of room: removes results, least recently used first, until `bytes`
   * more may be written. Those whose files belong to a job as well are left out, as removing them frees
   * nothing. Whether there is room then.
   *
   * @throws Error when the disk cannot be asked.
   */
  async makeRoom(bytes: number): Promise<boolean> {
    if (await this.#hasRoom(bytes)) return true;
    await this.#change(() => this.#giveWay(bytes));
    return this.#hasRoom(bytes);
  }

  /** Waits until all that was asked for is done. */
  async settled(): Promise<void> {
    while (this.#changesWaiting > 0) await this.#changes;
  }

  /** Brings rows and directories together; `names` is what lies in the cache's directory. */
  async #sweep(names: Set<string>): Promise<void> {
    const orphans: string[] = [];
    for await (const use of this.#leastRecentlyUsed()) {
      this.#bytes += use.bytes;
      if (!names.delete(use.key)) orphans.push(use.key);
    }
    await this.#remove(orphans);
    for (const name of names) await this.#removeDirectory(name);
  }

  /** Makes a directory with links to a result's files; undefined when they are gone already. */
  async #link({ key, result, paths }: NewResult): Promise<string | undefined> {
    const part = join(this.#root, `.new-${randomBytes(8).toString('hex')}`);
    try {
      await mkdir(part, { mode: 0o700 });
      for (const { name, isUpload } of result.files) {
        const path = paths.get(name);
        if (isUpload) continue;
        assert(path !== undefined, `the path of ${name} is given`);
        await shareFile(path, join(part, name));
      }
      return part;
    } catch (error) {
      this.#parts.logger.warn({ key, error }, 'a result is not kept for other jobs');
      await rm(part, { recursive: true, force: true });
      return undefined;
    }
  }

  async #insert({ key, result }: NewResult, part: string): Promise<void> {
    const { store, clock, bytesMax } = this.#parts;
    const bytes = sizeOf(result);
    try {
      if (await store.transaction((tx) => tx.results.has(key), 'process')) return;
      await this.#shrinkTo(bytesMax - bytes);
      // Of an entry whose row is gone; a rename would stop at it.
      await this.#removeDirectory(key);
      await rename(part, join(this.#root, key));
      const use = { key, bytes, usedAtMs: clock.nowMs() };
      await store.transaction((tx) => tx.results.insert({ ...use, result }), 'process');
      this.#bytes += bytes;
    } finally {
      await rm(part, { recursive: true, force: true });
    }
    await this.#giveWayInPart();
  }

  async #touch(key: string): Promise<void> {
    const { store, clock } = this.#parts;
    await store.transaction((tx) => tx.results.touch(key, clock.nowMs()), 'process');
  }

  /** Removes results until the others take no more than that. */
  async #shrinkTo(bytesMax: number): Promise<void> {
    if (this.#bytes <= bytesMax) return;
    for await (const { key } of this.#leastRecentlyUsed()) {
      await this.#remove([key]);
      if (this.#bytes <= bytesMax) return;
    }
  }

  /** Removes results whose files are nobody else's, until the disk has room for that much. */
  async #giveWay(bytes: number): Promise<void> {
    if (await this.#hasRoom(bytes)) return;
    for await (const { key } of this.#leastRecentlyUsed()) {
      if ((await this.#removeIfSole(key)) && (await this.#hasRoom(bytes))) return;
    }
  }

  /** Likewise, of the next few results behind those that were looked at the last time, round and round. */
  async #giveWayInPart(): Promise<void> {
    if (await this.#hasRoom(0)) return;
    const uses = await this.#oldest(looksPerInsert, this.#lookedUntil);
    this.#lookedUntil = uses.length < looksPerInsert ? undefined : uses.at(-1);
    for (const use of uses) {
      if (!(await this.#removeIfSole(use.key)) || !(await this.#hasRoom(0))) continue;
      this.#lookedUntil = use;
      return;
    }
  }

  /** Removes a result if that frees a file; whether it does. */
  async #removeIfSole(key: string): Promise<boolean> {
    const isSole = await this.#isSoleOwner(key);
    if (isSole) await this.#remove([key]);
    return isSole;
  }

  async #hasRoom(bytes: number): Promise<boolean> {
    const { dataDirectory, readSpace = readDiskSpace } = this.#parts;
    return hasRoom(await readSpace(dataDirectory), bytes);
  }

  /** Whether removing a result frees a file. */
  async #isSoleOwner(key: string): Promise<boolean> {
    const directory = join(this.#root, key);
    for (const name of await readdir(directory).catch(() => [])) {
      if ((await lstat(join(directory, name))).nlink === 1) return true;
    }
    return false;
  }

  /** The entries as they are when each batch is read; those removed meanwhile are not met again. */
  async *#leastRecentlyUsed(): AsyncGenerator<ResultUse> {
    let last: ResultUse | undefined;
    for (;;) {
      const batch = await this.#oldest(batchMax, last);
      yield* batch;
      last = batch.at(-1);
      if (last === undefined) return;
    }
  }

  #oldest(limit: number, after: ResultUse | undefined): Promise<readonly ResultUse[]> {
    return this.#parts.store.transaction((tx) => tx.results.oldest(limit, after), 'process');
  }

  /** The rows first: what has none is not found any more, and is removed by the next start at last. */
  async #remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const removed = this.#parts.store.transaction((tx) => tx.results.remove(keys), 'process');
    this.#bytes -= await removed;
    for (const key of keys) await this.#removeDirectory(key);
  }

  async #removeDirectory(name: string): Promise<void> {
    await rm(join(this.#root, name), { recursive: true, force: true });
  }

  /** Runs a change after those before it. */
  #change<Value>(change: () => Promise<Value>): Promise<Value> {
    this.#changesWaiting += 1;
    const changed = this.#changes.then(change).finally(() => {
      this.#changesWaiting -= 1;
    });
    this.#changes = changed.then(ignore, ignore);
    return changed;
  }

  /** Runs a change that nobody waits for; not at all when too many wait already. */
  #changeLater(change: () => Promise<void>): void {
    if (this.#changesWaiting >= changesMax) return;
    this.#change(change).catch((error: unknown) => {
      this.#parts.logger.warn({ error }, 'the kept results could not be changed');
    });
  }
}

/** Room that a result takes: its files, whole, although it may share them with a job for a time. */
function sizeOf({ files }: NodeResult): number {
  return files.reduce((sum, { bytes, isUpload }) => sum + (isUpload ? 0 : bytes), entryBytes);
}

/** Why a file of a result can't be had. */
interface Obstacle {
  /** Whether it is the result that is at fault, for good. */
  readonly isDamage: boolean;
  readonly error: unknown;
}

/** Links a regular file of that size; says what is in the way otherwise. */
async function linkWhole(from: string, to: string, bytes: number): Promise<Obstacle | undefined> {
  try {
    const damage = await damageOf(from, bytes);
    if (damage !== undefined) return { isDamage: true, error: damage };
    await shareFile(from, to);
    return undefined;
  } catch (error) {
    return { isDamage: false, error };
  }
}

async function damageOf(path: string, bytes: number): Promise<unknown> {
  try {
    const file = await lstat(path);
    if (file.isFile() && file.size === bytes) return undefined;
    return new Error(`${path} is no file of ${bytes} bytes`);
  } catch (error) {
    if (isAbsence(error)) return error;
    throw error;
  }
}

function isAbsence(thrown: unknown): boolean {
  const code = errorCodeOf(thrown);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function ignore(): void {}
