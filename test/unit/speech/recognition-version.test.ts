import { chmod, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sileroFileName } from '../../../src/speech/models.ts';
import { createRecognitionVersion } from '../../../src/speech/recognition-version.ts';
import type { RecognitionSetup } from '../../../src/speech/recognition-version.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** A directory with the model `base`, and a version over it. */
async function prepare(directory: string, changes: Partial<RecognitionSetup> = {}) {
  await writeFile(join(directory, 'ggml-base.bin'), 'the model');
  const setup = { engine: 'addon', model: 'base', modelsDir: directory, searchPath: '' } as const;
  return createRecognitionVersion({ ...setup, ...changes });
}

describe('what transcripts depend on', () => {
  it('is there as soon as the model is, and as long as it is', async () => {
    await using directory = await createTempDirectory();
    const versionOf = await prepare(directory.path);
    expect(versionOf('tiny')).toBeUndefined();
    await writeFile(join(directory.path, 'ggml-tiny.bin'), 'a smaller model');
    expect(versionOf('tiny')).toContain('ggml-tiny.bin');
    expect(versionOf(undefined)).toContain('ggml-base.bin');
    expect(versionOf('nobody-published-this')).toBeUndefined();
    await rm(join(directory.path, 'ggml-base.bin'));
    expect(versionOf(undefined)).toBeUndefined();
  });

  it('is another one for a model that was replaced, also by one of the same size', async () => {
    await using directory = await createTempDirectory();
    const versionOf = await prepare(directory.path);
    const before = versionOf(undefined);
    expect(versionOf(undefined)).toBe(before);
    await utimes(join(directory.path, 'ggml-base.bin'), 1, 1);
    expect(versionOf(undefined)).not.toBe(before);
  });

  it('is the same wherever the model lies', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'ggml-base.bin');
    await prepare(directory.path);
    const setup = { engine: 'addon', modelsDir: directory.path, searchPath: '' } as const;
    const byName = createRecognitionVersion({ ...setup, model: 'base' })(undefined);
    const byPath = createRecognitionVersion({ ...setup, model: path })(undefined);
    expect(byName).toBe(byPath);
    expect(byName).not.toContain(directory.path);
  });

  it('follows the model of voices, which may be fetched later', async () => {
    await using directory = await createTempDirectory();
    const versionOf = await prepare(directory.path);
    const before = versionOf(undefined);
    await writeFile(join(directory.path, sileroFileName), 'voices');
    expect(versionOf(undefined)).not.toBe(before);
  });

  it('follows the engine: which may come to work, and the program that is one', async () => {
    await using directory = await createTempDirectory();
    const program = join(directory.path, 'whisper-cli');
    await writeFile(program, '#!/bin/sh');
    await chmod(program, 0o700);
    const searchPath = `relative:${directory.path}`;
    const versions = await Promise.all([
      prepare(directory.path),
      prepare(directory.path, { engine: 'cli', searchPath }),
      prepare(directory.path, { engine: 'auto', searchPath }),
      prepare(directory.path, { engine: 'cli', whisperCli: join(directory.path, 'ggml-base.bin') }),
    ]);
    const texts = versions.map((versionOf) => versionOf(undefined));
    expect(new Set(texts).size).toBe(4);
    expect(texts[0]).toMatch(/^addon: addon \d+\.\d+\.\d+, cli none, /);
    expect(texts[1]).toContain('cli whisper-cli 9 ');
  });
});
