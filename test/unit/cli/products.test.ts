import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import { checkOutputDirectory, copyProducts, renderProducts } from '../../../src/cli/products.ts';
import { renderLines } from '../../../src/cli/text.ts';
import type { Artifact } from '../../../src/graph/artifact.ts';
import type { OpenedArtifact } from '../../../src/jobs/job-service.ts';
import { describeProducts } from '../../../src/nodes/manifest.ts';
import { inputArtifact } from '../../support/node-attempt.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

function opened(name: string, body: Readable): OpenedArtifact {
  const artifact: Artifact = {
    name,
    role: 'image',
    mediaType: 'image/jpeg',
    bytes: 5,
    sha256: '0'.repeat(64),
    product: true,
    path: `jobs/${name}`,
  };
  return { artifact, object: { bytes: 5, body } };
}

const signal = new AbortController().signal;

describe('an output directory', () => {
  test('may be absent or empty', async () => {
    await using directory = await createTempDirectory();
    expect(await checkOutputDirectory(join(directory.path, 'none'))).toEqual(ok(undefined));
    expect(await checkOutputDirectory(directory.path)).toEqual(ok(undefined));
  });

  test('may hold the products of an earlier run', async () => {
    await using directory = await createTempDirectory();
    const product = opened('720p.mp4', Readable.from([]));
    const artifact = inputArtifact(product.artifact);
    const manifest = describeProducts('j', undefined, [{ artifact, facts: {} }]);
    await writeFile(join(directory.path, 'manifest.json'), JSON.stringify(manifest));
    await writeFile(join(directory.path, '720p.mp4'), 'old');
    expect(await checkOutputDirectory(directory.path)).toEqual(ok(undefined));
  });

  test.each([
    ['a file beside a manifest', { 'manifest.json': '{"jobId":"j","products":[]}', 'a.txt': '' }],
    ['a manifest of another program', { 'manifest.json': '{"name":"other"}' }],
    ['a manifest that is no JSON', { 'manifest.json': 'other' }],
    ['a product without a manifest', { '720p.mp4': 'mine' }],
  ])('is refused with %s', async (_what, files) => {
    await using directory = await createTempDirectory();
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(directory.path, name), text);
    }
    const checked = await checkOutputDirectory(directory.path);
    expect(checked).toMatchObject({ ok: false, error: { code: 'conflict' } });
    expect(!checked.ok && checked.error.message).toContain('--force');
  });

  test('is refused when it is a file', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'file');
    await writeFile(path, '');
    expect(await checkOutputDirectory(path)).toMatchObject({
      ok: false,
      error: { code: 'conflict' },
    });
  });
});

describe('copying products', () => {
  test('makes the directory and replaces files of the same name', async () => {
    await using directory = await createTempDirectory();
    const target = join(directory.path, 'a', 'b');
    await mkdir(target, { recursive: true });
    await writeFile(join(target, 'x.jpg'), 'old');
    const copied = await copyProducts(
      { openArtifact: async (_job, name) => ok(opened(name, Readable.from(['fresh']))) },
      { jobId: 'j', names: ['x.jpg', 'y.jpg'], directory: target, signal },
    );
    expect(copied).toEqual(ok(undefined));
    expect((await readdir(target)).sort()).toEqual(['x.jpg', 'y.jpg']);
    expect(await readFile(join(target, 'x.jpg'), 'utf8')).toBe('fresh');
  });

  test('leaves no part of a file that broke off, and the old file as it was', async () => {
    await using directory = await createTempDirectory();
    await writeFile(join(directory.path, 'x.jpg'), 'old');
    const broken = new Readable({
      read() {
        this.push('fre');
        this.destroy(new Error('gone'));
      },
    });
    const copied = await copyProducts(
      { openArtifact: async (_job, name) => ok(opened(name, broken)) },
      { jobId: 'j', names: ['x.jpg'], directory: directory.path, signal },
    );
    expect(copied).toMatchObject({ ok: false, error: { code: 'storage' } });
    expect(await readdir(directory.path)).toEqual(['x.jpg']);
    expect(await readFile(join(directory.path, 'x.jpg'), 'utf8')).toBe('old');
  });

  test('stops when it is aborted', async () => {
    await using directory = await createTempDirectory();
    const copied = await copyProducts(
      { openArtifact: async (_job, name) => ok(opened(name, Readable.from(['fresh']))) },
      { jobId: 'j', names: ['x.jpg'], directory: directory.path, signal: AbortSignal.abort() },
    );
    expect(copied).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(await readdir(directory.path)).toEqual([]);
  });

  test('passes on why a product cannot be opened', async () => {
    await using directory = await createTempDirectory();
    const reason = failure('not_found', 'There is none.');
    const copied = await copyProducts(
      { openArtifact: async () => err(reason) },
      { jobId: 'j', names: ['x.jpg'], directory: directory.path, signal },
    );
    expect(copied).toEqual(err(reason));
  });
});

test('a list of products is aligned and shows sizes', () => {
  const lines = renderProducts([
    { name: '720p.mp4', mediaType: 'video/mp4', bytes: 8_176_582 },
    { name: 'captions.vtt', mediaType: 'text/vtt', bytes: 312, url: 'http://host/captions.vtt' },
  ]);
  expect(renderLines(lines, { color: false, unicode: true })).toBe(
    '  720p.mp4        7.8 MiB  video/mp4\n  captions.vtt      312 B  http://host/captions.vtt\n',
  );
});
