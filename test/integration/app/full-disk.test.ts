import { mkdir, open, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { assert } from '../../../src/base/assert.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { mebibyte } from '../../../src/base/units.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { mountMemory } from '../../faults/mounts.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** Fills the disk around a directory but for so many bytes; returns how to empty it again. */
async function fill(directory: string, spareBytes: number): Promise<() => Promise<void>> {
  const path = join(directory, 'filler');
  const { bavail, bsize } = await statfs(directory);
  await using file = await open(path, 'w');
  const chunk = Buffer.alloc(mebibyte);
  for (let left = Math.max(0, bavail * bsize - spareBytes); left > 0; left -= chunk.length) {
    await file.write(chunk.subarray(0, Math.min(left, chunk.length)));
  }
  return () => rm(path);
}

describe('a disk that fills up', () => {
  it('makes uploads 507 with what is needed and free, and heals without a restart', async (test) => {
    await using directory = await createTempDirectory();
    const disk = join(directory.path, 'disk');
    await mkdir(disk);
    const mounted = await mountMemory(disk, 64 * mebibyte);
    if (typeof mounted === 'string') {
      test.skip(mounted);
      return;
    }
    await using disks = new AsyncDisposableStack();
    disks.use(mounted);
    const dataDir = join(disk, 'data');
    const loaded = loadSettings({ flags: { dataDir, port: '0' }, env: process.env });
    assert(loaded.ok, 'the settings are good');
    const app = await createApp(loaded.value.settings, silentLogger);
    assert(app.ok, 'the service is wired');
    try {
      const listening = await app.value.listen();
      assert(listening.ok, 'it listens');
      const { url } = listening.value;
      const post = (): Promise<Response> =>
        fetch(`${url}/v1/jobs`, { method: 'POST', body: Buffer.alloc(mebibyte) });

      // Above the reserve of 5 % there is room for the upload, and not for what comes of it.
      const empty = await fill(disk, 0.05 * 64 * mebibyte + 2 * mebibyte);
      const refused = await post();
      expect(refused.status).toBe(507);
      const problem = await refused.json();
      expect(problem).toMatchObject({ code: 'storage' });
      expect(problem).toMatchObject({
        detail: expect.stringContaining('about 3.0 MiB') as unknown,
      });
      expect(await readdir(join(dataDir, 'incoming')).catch(() => [])).toEqual([]);
      expect((await fetch(`${url}/readyz`)).status).toBe(200);

      await empty();
      const emptyAgain = await fill(disk, 0);
      expect((await fetch(`${url}/readyz`)).status).toBe(503);
      await emptyAgain();
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      expect((await post()).status).toBe(201);
    } finally {
      await app.value.close();
    }
  });
});
