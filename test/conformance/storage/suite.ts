import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newJobId } from '../../../src/base/ids.ts';
import type { ByteRange, Storage, StorageObject } from '../../../src/storage/storage.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';

/** A store to hold to the contract. */
export interface OpenedStorage {
  readonly storage: Storage;
  /** Removes what the store left behind. */
  close(): Promise<void>;
}

const never = new AbortController().signal;

/** What every adapter of {@link Storage} has to do; `open` makes an empty store. */
export function describeStorage(name: string, open: () => Promise<OpenedStorage>): void {
  let opened: OpenedStorage;
  let files: TempDirectory;
  let jobId: string;

  beforeEach(async () => {
    opened = await open();
    files = await createTempDirectory();
    jobId = newJobId();
  });

  afterEach(async () => {
    await opened.close();
    await files[Symbol.asyncDispose]();
  });

  async function objectOf(artifact: string, content: string | Buffer): Promise<StorageObject> {
    const bytes = Buffer.from(content);
    const path = join(files.path, `${Math.random()}`);
    await writeFile(path, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const key = `${jobId}/${artifact}`;
    return { key, path, bytes: bytes.length, sha256, mediaType: 'text/plain' };
  }

  async function read(key: string, range?: ByteRange): Promise<string> {
    const result = await opened.storage.open(key, range);
    if (!result.ok) throw new Error(result.error.code);
    return (await buffer(result.value.body)).toString();
  }

  describe(`${name} as a storage`, () => {
    it('gives back what was put, with its size', async () => {
      const object = await objectOf('a.txt', 'hello');
      expect(await opened.storage.put(object, never)).toMatchObject({ ok: true });
      const result = await opened.storage.open(object.key);
      expect(result.ok && result.value.bytes).toBe(5);
      expect(result.ok && (await buffer(result.value.body)).toString()).toBe('hello');
    });

    it('gives parts, both ends included, and still tells the whole size', async () => {
      const object = await objectOf('a.txt', '0123456789');
      await opened.storage.put(object, never);
      expect(await read(object.key, { first: 2, last: 4 })).toBe('234');
      expect(await read(object.key, { first: 0, last: 0 })).toBe('0');
      expect(await read(object.key, { first: 9, last: 9 })).toBe('9');
      const part = await opened.storage.open(object.key, { first: 2, last: 4 });
      expect(part.ok && part.value.bytes).toBe(10);
      if (part.ok) part.value.body.destroy();
    });

    it('keeps bytes as they are', async () => {
      const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
      const object = await objectOf('a.bin', content);
      await opened.storage.put(object, never);
      const result = await opened.storage.open(object.key);
      expect(result.ok && (await buffer(result.value.body)).equals(content)).toBe(true);
    });

    it('takes the same content again', async () => {
      const object = await objectOf('a.txt', 'hello');
      await opened.storage.put(object, never);
      expect(await opened.storage.put(object, never)).toMatchObject({ ok: true });
      expect(await read(object.key)).toBe('hello');
    });

    it('replaces an object, while who reads the old one goes on reading it', async () => {
      const old = await objectOf('a.txt', 'old'.repeat(100_000));
      await opened.storage.put(old, never);
      const reading = await opened.storage.open(old.key);
      await opened.storage.put(await objectOf('a.txt', 'new'), never);
      expect(reading.ok && (await buffer(reading.value.body)).length).toBe(300_000);
      expect(await read(old.key)).toBe('new');
    });

    it('keeps what it has when the caller removes its file', async () => {
      const object = await objectOf('a.txt', 'hello');
      await opened.storage.put(object, never);
      await files[Symbol.asyncDispose]();
      expect(await read(object.key)).toBe('hello');
    });

    it.each([
      ['another digest', { sha256: '0'.repeat(64) }],
      ['another size', { bytes: 4 }],
    ])('refuses a file of %s than it should have, and stores nothing', async (_what, wrong) => {
      const object = { ...(await objectOf('a.txt', 'hello')), ...wrong };
      const result = await opened.storage.put(object, never);
      expect(result).toMatchObject({ ok: false, error: { code: 'storage' } });
      expect(await opened.storage.open(object.key)).toMatchObject({
        ok: false,
        error: { code: 'not_found' },
      });
    });

    it('keeps the old object when the new one is damaged', async () => {
      const old = await objectOf('a.txt', 'old');
      await opened.storage.put(old, never);
      const damaged = { ...(await objectOf('a.txt', 'new')), sha256: '0'.repeat(64) };
      await opened.storage.put(damaged, never);
      expect(await read(old.key)).toBe('old');
    });

    it('says that a file is not there', async () => {
      const object = { ...(await objectOf('a.txt', 'hello')), path: join(files.path, 'none') };
      const result = await opened.storage.put(object, never);
      expect(result).toMatchObject({ ok: false, error: { code: 'storage' } });
    });

    it('stops when it is told to, and stores nothing', async () => {
      const object = await objectOf('a.txt', 'hello');
      const result = await opened.storage.put(object, AbortSignal.abort());
      expect(result).toMatchObject({ ok: false, error: { code: 'cancelled' } });
      expect((await opened.storage.open(object.key)).ok).toBe(false);
    });

    it('has nothing under keys that nobody put, whatever they look like', async () => {
      await opened.storage.put(await objectOf('a.txt', 'hello'), never);
      const keys = [
        `${jobId}/b.txt`,
        `${newJobId()}/a.txt`,
        jobId,
        '',
        '/',
        `${jobId}/../${jobId}/a.txt`,
        `${jobId}/./a.txt`,
        `../${jobId}/a.txt`,
        `${jobId}//a.txt`,
        `${jobId}/a.txt/`,
        `${jobId}/..`,
        '/etc/passwd',
      ];
      for (const key of keys) {
        expect(await opened.storage.open(key)).toMatchObject({
          ok: false,
          error: { code: 'not_found' },
        });
      }
    });

    it('refuses to put under a key that is none', async () => {
      const object = await objectOf('a.txt', 'hello');
      for (const key of ['a.txt', `${jobId}/../x`, `../${jobId}/a.txt`, `${jobId}/.hidden`]) {
        await expect(opened.storage.put({ ...object, key }, never)).rejects.toThrow('key');
      }
    });

    it('removes all that a job has, and nothing of another', async () => {
      const objects = [await objectOf('a.txt', 'one'), await objectOf('b.txt', 'two')];
      for (const object of objects) await opened.storage.put(object, never);
      const other = { ...(await objectOf('a.txt', 'other')), key: `${newJobId()}/a.txt` };
      await opened.storage.put(other, never);
      expect(await opened.storage.removeJob(jobId)).toMatchObject({ ok: true });
      for (const { key } of objects) expect((await opened.storage.open(key)).ok).toBe(false);
      expect(await read(other.key)).toBe('other');
    });

    it('does not mind removing a job that has nothing', async () => {
      expect(await opened.storage.removeJob(jobId)).toMatchObject({ ok: true });
    });

    it('refuses to remove what is no job', async () => {
      await expect(opened.storage.removeJob('..')).rejects.toThrow('job id');
    });

    it('removes what a job has but for what is named, and nothing of another', async () => {
      const objects = [
        await objectOf('a.txt', 'one'),
        await objectOf('b.txt', 'two'),
        await objectOf('c.txt', 'three'),
      ];
      for (const object of objects) await opened.storage.put(object, never);
      const other = { ...(await objectOf('b.txt', 'other')), key: `${newJobId()}/b.txt` };
      await opened.storage.put(other, never);
      const names = ['a.txt', 'c.txt', 'not-there.txt'];
      for (let times = 0; times < 2; times += 1) {
        expect(await opened.storage.removeAllBut({ jobId, names }, never)).toMatchObject({
          ok: true,
        });
      }
      expect(await read(`${jobId}/a.txt`)).toBe('one');
      expect(await read(`${jobId}/c.txt`)).toBe('three');
      expect(await opened.storage.open(`${jobId}/b.txt`)).toMatchObject({
        ok: false,
        error: { code: 'not_found' },
      });
      expect(await read(other.key)).toBe('other');
    });

    it('lets who reads what is removed go on reading it', async () => {
      const object = await objectOf('a.txt', 'old'.repeat(100_000));
      await opened.storage.put(object, never);
      const reading = await opened.storage.open(object.key);
      await opened.storage.removeAllBut({ jobId, names: [] }, never);
      expect(reading.ok && (await buffer(reading.value.body)).length).toBe(300_000);
    });

    it('does not mind removing all but something of a job that has nothing', async () => {
      const kept = { jobId, names: ['a.txt'] };
      expect(await opened.storage.removeAllBut(kept, never)).toMatchObject({ ok: true });
    });

    it('removes nothing for who was stopped', async () => {
      const object = await objectOf('a.txt', 'hello');
      await opened.storage.put(object, never);
      const stopped = opened.storage.removeAllBut({ jobId, names: [] }, AbortSignal.abort());
      expect(await stopped).toMatchObject({ ok: false, error: { code: 'cancelled' } });
      expect(await read(object.key)).toBe('hello');
    });

    it('refuses to remove all but something of what is no job', async () => {
      const removing = opened.storage.removeAllBut({ jobId: '..', names: [] }, never);
      await expect(removing).rejects.toThrow('job id');
    });

    it('takes many objects at once', async () => {
      const objects = await Promise.all(
        Array.from({ length: 20 }, (_, index) => objectOf(`a${index}.txt`, `content ${index}`)),
      );
      const results = await Promise.all(objects.map((object) => opened.storage.put(object, never)));
      expect(results.every(({ ok }) => ok)).toBe(true);
      for (const [index, { key }] of objects.entries()) {
        expect(await read(key)).toBe(`content ${index}`);
      }
    });
  });
}
