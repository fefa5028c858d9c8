import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectory } from '../../../src/storage/make-directory.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

test('a directory is made with what is missing above it, for its owner alone', async () => {
  await using directory = await createTempDirectory();
  const path = join(directory.path, 'a', 'b', 'c');
  await Promise.all([makeDirectory(path, 0o700), makeDirectory(path, 0o700)]);
  await makeDirectory(path, 0o700);
  for (const made of [path, join(directory.path, 'a')]) {
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  }
});

test('a file in the way is an error, as the place itself and above it', async () => {
  await using directory = await createTempDirectory();
  const file = join(directory.path, 'file');
  await writeFile(file, '');
  await expect(makeDirectory(file, 0o700)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeDirectory(join(file, 'a'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.runIf(process.platform === 'linux')('a place below /proc is an error at once', async () => {
  await expect(makeDirectory('/proc/nope/a', 0o700)).rejects.toMatchObject({ code: 'ENOENT' });
});
