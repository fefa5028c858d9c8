import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import { looksPerInsert } from '../../../src/storage/result-cache.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { keyOf, ResultRig } from '../../support/result-rig.ts';

/** Room that an entry takes besides its files. */
const entryBytes = 8192;

describe('a kept result', () => {
  it('gives its files again, without a second copy of their bytes', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const made = await rig.made(keyOf('a'), 'a picture');
    rig.cache.keep(made);
    await rig.cache.settled();
    const { result, directory: place } = await rig.take(keyOf('a'));
    expect(result).toEqual(made.result);
    expect(await readFile(join(place, 'file'), 'utf8')).toBe('a picture');
    expect((await stat(join(place, 'file'))).ino).toBe((await stat(made.path)).ino);
  });

  it('gives the probe and the warnings again, too', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const made = await rig.made(keyOf('a'), 'x');
    const warnings = [{ code: 'no_speech', message: 'Nobody speaks.' }];
    const media = { formatName: 'mp4', durationSec: 2, bytes: 3 };
    rig.cache.keep({ ...made, result: { ...made.result, media, warnings } });
    await rig.cache.settled();
    expect((await rig.take(keyOf('a'))).result).toMatchObject({ media, warnings });
  });

  it('outlives the job that made it, and a job that uses it outlives the result', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const made = await rig.made(keyOf('a'), 'kept');
    rig.cache.keep(made);
    await rig.cache.settled();
    await rm(made.path);
    const { directory: place } = await rig.take(keyOf('a'));
    await rig.cache.drop(keyOf('a'));
    expect(await readFile(join(place, 'file'), 'utf8')).toBe('kept');
    expect([await rig.rows(), await rig.directories(), rig.cache.bytes]).toEqual([[], [], 0]);
  });

  it('holds no copy of the upload, which the next job brings along', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const sha256 = 'f'.repeat(64);
    const files = [{ name: 'source', bytes: 6, sha256, isUpload: true as const }];
    rig.cache.keep({ key: keyOf('a'), result: { files }, paths: new Map() });
    await rig.cache.settled();
    expect(rig.cache.bytes).toBe(entryBytes);
    await writeFile(join(directory.path, 'upload'), 'a film');
    const { result, directory: place } = await rig.take(keyOf('a'));
    expect(result).toEqual({ files });
    expect(await readFile(join(place, 'source'), 'utf8')).toBe('a film');
  });

  it('that is not whole any more is none, and is removed', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    await rig.keep(keyOf('a'), 'cut off');
    await truncate(join(directory.path, 'cache', keyOf('a'), 'file'), 3);
    await rig.keep(keyOf('b'), 'gone');
    await rm(join(directory.path, 'cache', keyOf('b'), 'file'));
    expect((await rig.take(keyOf('a'))).result).toBeUndefined();
    expect((await rig.take(keyOf('b'))).result).toBeUndefined();
    expect([await rig.rows(), await rig.directories()]).toEqual([[], []]);
  });

  it('that the system does not link this time is none now, and stays', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    await rig.keep(keyOf('a'), 'whole');
    const uploadPath = join(directory.path, 'upload');
    const taken = await rig.place();
    await writeFile(join(taken, 'file'), 'in the way');
    const nowhere = join(directory.path, 'no', 'such', 'directory');
    for (const place of [taken, nowhere]) {
      expect(await rig.cache.take(keyOf('a'), { directory: place, uploadPath })).toBeUndefined();
    }
    expect(await readdir(taken)).toEqual([]);
    expect([await rig.rows(), await rig.directories()]).toEqual([[keyOf('a')], [keyOf('a')]]);
    expect((await rig.take(keyOf('a'))).result).toBeDefined();
  });

  it('stays as it is when the same is kept again, also at the same time', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const [first, second] = [await rig.made(keyOf('a'), 'one'), await rig.made(keyOf('a'), 'two')];
    rig.cache.keep(first);
    rig.cache.keep(second);
    await rig.cache.settled();
    const { directory: place } = await rig.take(keyOf('a'));
    expect(await readFile(join(place, 'file'), 'utf8')).toBe('one');
    expect(await rig.directories()).toEqual([keyOf('a')]);
    expect(rig.cache.bytes).toBe(entryBytes + 3);
  });

  it('is not kept when its files are gone before they can be linked', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const made = await rig.made(keyOf('a'), 'x');
    await rm(made.path);
    rig.cache.keep(made);
    await rig.cache.settled();
    expect([await rig.rows(), await rig.directories()]).toEqual([[], []]);
  });
});

describe('the room for results', () => {
  it('goes to those that were used last', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path, 3 * entryBytes + 30);
    for (const name of ['a', 'b', 'c']) await rig.keep(keyOf(name), '0123456789');
    await rig.take(keyOf('a'));
    await rig.keep(keyOf('d'), '0123456789');
    expect(await rig.rows()).toEqual(['c', 'a', 'd'].map(keyOf));
    expect(await rig.directories()).toEqual(['a', 'c', 'd'].map(keyOf));
  });

  it('takes no result that is larger than all of it, and none at all when there is no room', async () => {
    await using directory = await createTempDirectory();
    await using small = await ResultRig.open(directory.path, entryBytes + 5);
    await small.keep(keyOf('a'), '12345');
    await small.keep(keyOf('b'), '123456');
    expect(await small.rows()).toEqual([keyOf('a')]);
    await using other = await createTempDirectory();
    await using none = await ResultRig.open(other.path, 0);
    await none.keep(keyOf('a'), '');
    expect(await none.rows()).toEqual([]);
  });

  it('shrinks at a start with a lower limit', async () => {
    await using directory = await createTempDirectory();
    {
      await using rig = await ResultRig.open(directory.path);
      for (const name of ['a', 'b', 'c']) await rig.keep(keyOf(name), 'x');
    }
    await using rig = await ResultRig.open(directory.path, entryBytes + 1);
    expect([await rig.rows(), await rig.directories()]).toEqual([[keyOf('c')], [keyOf('c')]]);
  });

  it('is given back when the disk is short of it, but for files that a job has as well', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const shared = await rig.made(keyOf('a'), 'shared');
    const own = await rig.made(keyOf('b'), 'own');
    for (const made of [shared, own]) rig.cache.keep(made);
    await rig.cache.settled();
    await rm(own.path);
    expect(await rig.cache.makeRoom(1)).toBe(true);
    expect(await rig.rows()).toHaveLength(2);
    expect(await rig.cache.makeRoom(Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(await rig.rows()).toEqual([keyOf('a')]);
  });
});

describe('a full disk', () => {
  const count = 3 * looksPerInsert;
  const numbered = (index: number): string => index.toString(16).padStart(64, '0');

  /** A cache of results that jobs have as well, with the paths of the jobs' files, in order of their use. */
  async function openShared(directory: string) {
    const rig = await ResultRig.open(directory);
    const paths: string[] = [];
    for (let index = 0; index < count; index += 1) {
      rig.clock.advance(1);
      const made = await rig.made(numbered(index), 'shared');
      rig.cache.keep(made);
      await rig.cache.settled();
      paths.push(made.path);
    }
    rig.isDiskFull = true;
    return { rig, paths };
  }

  it('costs a new result a look at some of the others only, and each of them gets its turn', async () => {
    await using directory = await createTempDirectory();
    const { rig, paths } = await openShared(directory.path);
    await using _ = rig;
    /** Where in the order of use a result was that a job gave up → whether it is still kept. */
    const isKept = async (index: number) => (await rig.rows()).includes(numbered(index));
    const last = count - 1;
    await rm(required(paths[last], 'the last'));
    const looks: boolean[] = [];
    for (const name of ['a', 'b', 'c']) {
      looks.push(await isKept(last));
      await rig.keep(keyOf(name), 'more');
    }
    expect([...looks, await isKept(last)]).toEqual([true, true, true, false]);
    // The next round begins with the oldest again.
    await rm(required(paths[0], 'the first'));
    for (const name of ['d', 'e']) await rig.keep(keyOf(name), 'more');
    expect(await isKept(0)).toBe(false);
  });

  it('gives an upload what is to be had, wherever it is', async () => {
    await using directory = await createTempDirectory();
    const { rig, paths } = await openShared(directory.path);
    await using _ = rig;
    for (const index of [0, count - 1]) await rm(required(paths[index], 'a path'));
    expect(await rig.cache.makeRoom(1)).toBe(false);
    expect(await rig.rows()).toEqual(paths.slice(1, -1).map((_path, index) => numbered(index + 1)));
  });
});

describe('a start', () => {
  it('removes what a crash left half: links without a row, and a row without files', async () => {
    await using directory = await createTempDirectory();
    const cache = join(directory.path, 'cache');
    {
      await using rig = await ResultRig.open(directory.path);
      for (const name of ['a', 'b']) await rig.keep(keyOf(name), 'x');
    }
    // Between the links and the rename, between the rename and the row, between the row and the files.
    await mkdir(join(cache, '.new-0123456789abcdef'));
    await mkdir(join(cache, keyOf('c')));
    await writeFile(join(cache, keyOf('c'), 'file'), 'x');
    await rm(join(cache, keyOf('b')), { recursive: true });
    await using rig = await ResultRig.open(directory.path);
    expect([await rig.rows(), await rig.directories()]).toEqual([[keyOf('a')], [keyOf('a')]]);
    expect(rig.cache.bytes).toBe(entryBytes + 1);
  });

  it('goes on when their directory breaks while a change is under way', async () => {
    await using directory = await createTempDirectory();
    await using rig = await ResultRig.open(directory.path);
    const cache = join(directory.path, 'cache');
    const made = await rig.made(keyOf('a'), 'text');
    await rm(cache, { recursive: true });
    await writeFile(cache, 'in the way');
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const { promise: held, resolve: letGo } = Promise.withResolvers<undefined>();
    const holding = rig.store.transaction(() => held);
    const dropped = rig.cache.drop(keyOf('b')).catch(() => undefined);
    rig.cache.keep(made);
    // Its links have failed by then: they ask the same file system before.
    for (let asked = 0; asked < 20; asked += 1) await readFile(cache);
    letGo(undefined);
    await Promise.all([holding, dropped]);
    await rig.cache.settled();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('goes on without results when their directory cannot be used', async () => {
    await using directory = await createTempDirectory();
    await writeFile(join(directory.path, 'cache'), 'a file in the way');
    await using rig = await ResultRig.open(directory.path);
    await rig.keep(keyOf('a'), 'x');
    expect((await rig.take(keyOf('a'))).result).toBeUndefined();
  });
});
