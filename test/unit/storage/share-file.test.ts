import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shareFile } from '../../../src/storage/share-file.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

describe('a shared file', () => {
  it('has two names for the same bytes', async () => {
    await using directory = await createTempDirectory();
    const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
    await writeFile(from, 'bytes');
    await shareFile(from, to);
    expect((await stat(to)).ino).toBe((await stat(from)).ino);
    expect((await stat(to)).nlink).toBe(2);
  });

  it('is copied from another file system', async ({ skip, onTestFinished }) => {
    await using directory = await createTempDirectory();
    const elsewhere = '/dev/shm';
    const isOther = await stat(elsewhere).then(
      async ({ dev }) => dev !== (await stat(directory.path)).dev,
      () => false,
    );
    skip(!isOther, 'there is no second file system');
    const other = await mkdtemp(join(elsewhere, 'reelgraph-test-'));
    onTestFinished(() => rm(other, { recursive: true }));
    await writeFile(join(other, 'from'), 'bytes');
    await shareFile(join(other, 'from'), join(directory.path, 'to'));
    expect(await readFile(join(directory.path, 'to'), 'utf8')).toBe('bytes');
  });

  it('never replaces another, and never is a link or a directory', async () => {
    await using directory = await createTempDirectory();
    const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
    await writeFile(from, 'bytes');
    await writeFile(to, 'other');
    await expect(shareFile(from, to)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(to, 'utf8')).toBe('other');
    await symlink(from, join(directory.path, 'link'));
    await mkdir(join(directory.path, 'folder'));
    for (const name of ['link', 'folder']) {
      const path = join(directory.path, name);
      await expect(shareFile(path, join(directory.path, 'new'))).rejects.toThrow(
        'not a regular file',
      );
    }
  });

  it('has to be there', async () => {
    await using directory = await createTempDirectory();
    const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
    await expect(shareFile(from, to)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
