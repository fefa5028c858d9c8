import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../src/base/assert.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { readDiskSpace } from '../../src/storage/disk-space.ts';
import { ResultCache } from '../../src/storage/result-cache.ts';
import type { NewResult } from '../../src/storage/result-cache.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { NodeResult } from '../../src/store/result-index.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../unit/api/manual-clock.ts';

/** A cache over a real store and file system, with files to keep. */
export class ResultRig implements AsyncDisposable {
  readonly directory: string;
  readonly store: Store;
  readonly clock = new ManualClock();
  readonly cache: ResultCache;
  /** Whether the disk has no room left for the cache. */
  isDiskFull = false;
  #places = 0;

  private constructor(directory: string, store: Store, bytesMax: number) {
    this.directory = directory;
    this.store = store;
    const { clock } = this;
    this.cache = new ResultCache({
      dataDirectory: directory,
      store,
      bytesMax,
      clock,
      logger: silentLogger,
      readSpace: async (path) => {
        const space = await readDiskSpace(path);
        return this.isDiskFull ? { ...space, freeBytes: 0 } : space;
      },
    });
  }

  /** Opens the cache in a directory; a second rig on it, after the first, is the service's next start. */
  static async open(directory: string, bytesMax = 1e9): Promise<ResultRig> {
    const store = await openStore(join(directory, 'reelgraph.sqlite'));
    assert(store.ok, 'the store opens');
    const rig = new ResultRig(directory, store.value, bytesMax);
    await rig.cache.open();
    return rig;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cache.settled();
    await this.store.close();
  }

  /** A result of one file with this text, in a directory of a job. */
  async made(key: string, text: string): Promise<NewResult & { readonly path: string }> {
    const path = join(await this.place(), 'file');
    await writeFile(path, text);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const result = { files: [{ name: 'file', bytes: Buffer.byteLength(text), sha256 }] };
    return { key, result, paths: new Map([['file', path]]), path };
  }

  /** Keeps a result of one file, a millisecond later than the one before. */
  async keep(key: string, text: string): Promise<void> {
    this.clock.advance(1);
    this.cache.keep(await this.made(key, text));
    await this.cache.settled();
  }

  /** Takes a result into an empty directory, a millisecond after what came before. */
  async take(key: string): Promise<{ result: NodeResult | undefined; directory: string }> {
    this.clock.advance(1);
    const directory = await this.place();
    const uploadPath = join(this.directory, 'upload');
    const result = await this.cache.take(key, { directory, uploadPath });
    await this.cache.settled();
    return { result, directory };
  }

  /** An empty directory. */
  async place(): Promise<string> {
    this.#places += 1;
    const path = join(this.directory, 'places', String(this.#places));
    await mkdir(path, { recursive: true });
    return path;
  }

  /** The keys that have a row, least recently used first. */
  async rows(): Promise<readonly string[]> {
    const uses = await this.store.transaction((tx) => tx.results.oldest(1000));
    return uses.map(({ key }) => key);
  }

  /** What lies in the cache's directory, sorted. */
  async directories(): Promise<readonly string[]> {
    return (await readdir(join(this.directory, 'cache'))).toSorted();
  }
}

/** A key that begins with a letter or digit of hexadecimal numbers. */
export function keyOf(first: string): string {
  return first.padEnd(64, '0');
}
