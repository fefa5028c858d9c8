import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import { publish } from '../../../src/nodes/publish.ts';
import type { InputArtifact } from '../../../src/nodes/node-kind.ts';
import type { KeptObjects, Storage, StorageObject } from '../../../src/storage/storage.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import { attemptOf, inputArtifact, jobId } from '../../support/node-attempt.ts';
import { film } from './sample-media.ts';

/** A store that remembers what it got; its puts end when the test lets them. */
class RecordingStorage implements Storage {
  readonly objects: StorageObject[] = [];
  readonly failing = new Set<string>();
  /** What was kept of the job, at each removal of all else. */
  readonly removals: (KeptObjects & { readonly putBefore: number })[] = [];
  /** Called with each object that was put. */
  onPut: (object: StorageObject) => void = () => {};
  removalOutcome: Awaited<ReturnType<Storage['removeAllBut']>> = ok(undefined);
  runningMost = 0;
  #running = 0;

  async put(object: StorageObject): ReturnType<Storage['put']> {
    this.#running += 1;
    this.runningMost = Math.max(this.runningMost, this.#running);
    this.objects.push(object);
    await new Promise((resolve) => setImmediate(resolve));
    this.#running -= 1;
    this.onPut(object);
    return this.failing.has(object.key)
      ? err(failure('storage', 'The disk is full.'))
      : ok(undefined);
  }

  open(): ReturnType<Storage['open']> {
    return Promise.resolve(err(failure('not_found', 'Nothing is read here.')));
  }

  sweep(): ReturnType<Storage['sweep']> {
    return Promise.resolve(ok(undefined));
  }

  removeAllBut(kept: KeptObjects): ReturnType<Storage['removeAllBut']> {
    this.removals.push({ ...kept, putBefore: this.objects.length });
    return Promise.resolve(this.removalOutcome);
  }

  removeJob(): ReturnType<Storage['removeJob']> {
    return Promise.resolve(ok(undefined));
  }

  get names(): readonly string[] {
    return this.objects.map(({ key }) => key.slice(key.indexOf('/') + 1));
  }
}

const products: readonly InputArtifact[] = [
  inputArtifact({ name: 'thumbnail.jpg', role: 'image' }),
  inputArtifact({ name: '720p.mp4', role: 'rendition' }),
  inputArtifact({ name: '1080p.mp4', role: 'rendition' }),
  inputArtifact({ name: 'audio.m4a', role: 'audio' }),
  inputArtifact({ name: 'captions.vtt', role: 'captions' }),
  inputArtifact({ name: 'captions.srt', role: 'captions' }),
  inputArtifact({ name: 'transcript.json', role: 'transcript' }),
];

function run(
  storage: Storage,
  directory: TempDirectory,
  parts: Partial<Parameters<typeof attemptOf>[1]> = {},
) {
  return publish(storage).run(
    attemptOf({}, { inputs: products, media: film(), outputDirectory: directory.path, ...parts }),
  );
}

describe('publish', () => {
  it('stores every product, and the manifest last', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    expect(await run(storage, directory)).toMatchObject({ ok: true });
    expect(storage.names).toEqual([
      '720p.mp4',
      '1080p.mp4',
      'thumbnail.jpg',
      'audio.m4a',
      'captions.vtt',
      'captions.srt',
      'transcript.json',
      'manifest.json',
    ]);
    expect(storage.objects[0]).toEqual({
      key: `${jobId}/720p.mp4`,
      path: '/job/720p.mp4',
      bytes: 1,
      sha256: '0'.repeat(64),
      mediaType: 'application/octet-stream',
    });
  });

  it('tells the digest of the manifest that it wrote and stored', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    const outcome = await run(storage, directory);
    const content = await readFile(join(directory.path, 'manifest.json'));
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(outcome).toEqual(ok({ files: [{ name: 'manifest.json', sha256 }] }));
    expect(storage.objects.at(-1)).toMatchObject({ sha256, bytes: content.length });
    expect(JSON.parse(content.toString())).toMatchObject({ version: 1, jobId });
  });

  it('stores only a few products at the same time', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    await run(storage, directory);
    expect(storage.runningMost).toBe(4);
  });

  it('leaves out what is no product', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    const inputs = [inputArtifact({ name: 'audio.m4a', role: 'audio', product: false })];
    await run(storage, directory, { inputs });
    expect(storage.names).toEqual(['manifest.json']);
  });

  it('writes no manifest when a product could not be stored', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    storage.failing.add(`${jobId}/720p.mp4`);
    expect(await run(storage, directory)).toMatchObject({ ok: false, error: { code: 'storage' } });
    expect(storage.names).not.toContain('manifest.json');
    expect(storage.names.length).toBeLessThan(products.length);
  });

  it('stops when it is told to', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    const outcome = await run(storage, directory, { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(storage.names).toEqual([]);
  });

  it('removes what was published before under other names, once the manifest is stored', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    await run(storage, directory);
    const names = expect.arrayContaining([...storage.names]) as unknown;
    expect(storage.removals).toEqual([{ jobId, names, putBefore: storage.names.length }]);
    expect(storage.removals[0]?.names).toHaveLength(storage.names.length);
  });

  it('removes nothing when it was stopped, or when something could not be stored', async () => {
    for (const isStopped of [true, false]) {
      await using directory = await createTempDirectory();
      const storage = new RecordingStorage();
      const stopping = new AbortController();
      if (!isStopped) storage.failing.add(`${jobId}/manifest.json`);
      storage.onPut = ({ key }) => {
        if (isStopped && key.endsWith('/manifest.json')) stopping.abort();
      };
      const outcome = await run(storage, directory, { signal: stopping.signal });
      const code = isStopped ? 'cancelled' : 'storage';
      expect(outcome).toMatchObject({ ok: false, error: { code } });
      expect(storage.names).toContain('manifest.json');
      expect(storage.removals).toEqual([]);
    }
  });

  it('fails when what was published before cannot be removed', async () => {
    await using directory = await createTempDirectory();
    const storage = new RecordingStorage();
    storage.removalOutcome = err(failure('storage', 'The storage does not answer.'));
    expect(await run(storage, directory)).toEqual(storage.removalOutcome);
  });

  it('asks for a slot of input and output, and for no core', () => {
    const { demand } = publish(new RecordingStorage()).estimate({}, undefined);
    expect(demand).toMatchObject({ coresMin: 0, coresMax: 0, ioSlots: 1 });
  });
});
