import { createHash } from 'node:crypto';
import { access, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newJobId } from '../../../src/base/ids.ts';
import { LocalStorage } from '../../../src/storage/local-storage.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { watchSyncs } from '../../support/watch-syncs.ts';
import { describeStorage } from './suite.ts';

describeStorage('LocalStorage', async () => {
  const directory = await createTempDirectory();
  return {
    storage: new LocalStorage(join(directory.path, 'storage')),
    close: async () => directory[Symbol.asyncDispose](),
  };
});

const never = new AbortController().signal;
const jobId = newJobId();
const object = {
  key: `${jobId}/a.txt`,
  bytes: 5,
  sha256: createHash('sha256').update('hello').digest('hex'),
  mediaType: 'text/plain',
};

describe('LocalStorage', () => {
  it('shares the file instead of copying it, and leaves no temporary name', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'file');
    await writeFile(path, 'hello');
    const root = join(directory.path, 'storage');
    const storage = new LocalStorage(root);
    await storage.put({ ...object, path }, never);
    await storage.put({ ...object, path }, never);
    await storage.put({ ...object, path, sha256: '0'.repeat(64) }, never);
    expect(await readdir(join(root, jobId))).toEqual(['a.txt']);
    expect((await stat(join(root, jobId, 'a.txt'))).ino).toBe((await stat(path)).ino);
  });

  it('copies from another file system', async ({ skip, onTestFinished }) => {
    await using directory = await createTempDirectory();
    const elsewhere = '/dev/shm';
    const isOther = await access(elsewhere).then(
      async () => (await stat(elsewhere)).dev !== (await stat(directory.path)).dev,
      () => false,
    );
    skip(!isOther, 'there is no second file system');
    const other = await mkdtemp(join(elsewhere, 'reelgraph-test-'));
    onTestFinished(() => rm(other, { recursive: true }));
    const path = join(other, 'file');
    await writeFile(path, 'hello');
    const storage = new LocalStorage(join(directory.path, 'storage'));
    expect(await storage.put({ ...object, path }, never)).toMatchObject({ ok: true });
    expect((await stat(join(directory.path, 'storage', object.key))).size).toBe(5);
  });

  it('removes what puts of an earlier life left, and nothing else', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'file');
    await writeFile(path, 'hello');
    const root = join(directory.path, 'storage');
    const storage = new LocalStorage(root);
    await storage.put({ ...object, path }, never);
    await writeFile(join(root, '.put', 'left'), 'hel');
    expect(await storage.sweep()).toMatchObject({ ok: true });
    expect(await readdir(root)).toEqual([jobId]);
    expect(await storage.put({ ...object, path }, never)).toMatchObject({ ok: true });
  });

  it.runIf(process.platform === 'linux')('has on disk what it removed and kept', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'file');
    await writeFile(path, 'hello');
    const root = join(directory.path, 'storage');
    const storage = new LocalStorage(root);
    for (const name of ['a.txt', 'b.txt']) {
      await storage.put({ ...object, path, key: `${jobId}/${name}` }, never);
    }
    using watch = await watchSyncs();
    await storage.removeAllBut({ jobId, names: ['b.txt'] }, never);
    // A second time, too: the first may have been cut off before its sync.
    await storage.removeAllBut({ jobId, names: ['b.txt'] }, never);
    const synced = { path: join(root, jobId), names: ['b.txt'] };
    expect(watch.syncs).toEqual([synced, synced]);
    for (let times = 0; times < 2; times += 1) await storage.removeJob(jobId);
    const syncedRoot = { path: root, names: ['.put'] };
    expect(watch.syncs.slice(2)).toEqual([syncedRoot, syncedRoot]);
  });

  it('says that it cannot store where a file stands in its way', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'file');
    await writeFile(path, 'hello');
    const root = join(directory.path, 'storage');
    await writeFile(root, 'in the way');
    expect(await new LocalStorage(root).put({ ...object, path }, never)).toMatchObject({
      ok: false,
      error: { code: 'storage' },
    });
  });

  it('neither stores nor opens a symbolic link', async () => {
    await using directory = await createTempDirectory();
    const root = join(directory.path, 'storage');
    const [path, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
    await writeFile(path, 'hello');
    await symlink(path, link);
    const storage = new LocalStorage(root);
    expect((await storage.put({ ...object, path: link }, never)).ok).toBe(false);
    await storage.put({ ...object, path }, never);
    await symlink(path, join(root, jobId, 'b.txt'));
    expect((await storage.open(`${jobId}/b.txt`)).ok).toBe(false);
  });
});
