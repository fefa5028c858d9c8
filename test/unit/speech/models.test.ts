import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../../src/base/failure.ts';
import { findModel, sileroFileName, type SpeechModel } from '../../../src/speech/models.ts';
import { createTempDirectory, type TempDirectory } from '../../support/temp-directory.ts';

let directory: TempDirectory;

beforeEach(async () => {
  directory = await createTempDirectory();
});

afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

/** The start of a ggml file: the magic number, then the vocabulary's size. */
function header(vocabularySize: number, magic = 0x67_67_6d_6c): Buffer {
  const bytes = Buffer.alloc(48);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeInt32LE(vocabularySize, 4);
  return bytes;
}

async function put(name: string, bytes: Buffer): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, bytes);
  return path;
}

async function find(nameOrPath: string): Promise<SpeechModel> {
  const found = await findModel(nameOrPath, directory.path);
  if (!found.ok) throw new Error(found.error.message);
  return found.value;
}

async function refuse(nameOrPath: string): Promise<Failure> {
  const found = await findModel(nameOrPath, directory.path);
  if (found.ok) throw new Error('a model was found');
  expect(found.error.code).toBe('model_missing');
  return found.error;
}

describe('a model', () => {
  test('is found in the directory by its published name', async () => {
    const path = await put('ggml-base.en.bin', header(51_864));
    expect(await find('base.en')).toEqual({ path, name: 'ggml-base.en.bin', isEnglishOnly: true });
  });

  test('is found by its path, wherever it is', async () => {
    const path = resolve('fixtures/speech-model/ggml-digits.bin');
    const found = await find('fixtures/speech-model/ggml-digits.bin');
    expect(found).toEqual({ path, name: 'ggml-digits.bin', isEnglishOnly: true });
  });

  test.each([
    [51_864, true],
    [51_865, false],
    [51_866, false],
  ])('with a vocabulary of %i is English only: %s', async (vocabularySize, isEnglishOnly) => {
    // The name says the contrary, and does not count.
    const path = await put('ggml-tiny.en.bin', header(vocabularySize));
    expect((await find(path)).isEnglishOnly).toBe(isEnglishOnly);
  });
});

describe('a missing model', () => {
  test('comes with the command that fetches it', async () => {
    const { message, operatorDetail } = await refuse('base.en');
    expect(message).toBe(
      'The speech model `ggml-base.en.bin` is not there. Run `reelgraph model fetch base.en` (in a checkout `npm run reelgraph -- model fetch base.en`).',
    );
    expect(operatorDetail).toContain(directory.path);
  });

  test('is told from its path without telling the path', async () => {
    const path = join(directory.path, 'own.bin');
    const { message, operatorDetail } = await refuse(path);
    expect(message).toContain('The speech model `own.bin` is not there.');
    expect(message).toContain('`reelgraph model fetch base`');
    expect(message).not.toContain(directory.path);
    expect(operatorDetail).toContain(path);
  });

  test('with a misspelled name comes with the right one', async () => {
    const { message } = await refuse('smal.en');
    expect(message).toContain('No speech model `smal.en` is published. Did you mean `small.en`?');
    expect(message).toContain('`reelgraph model fetch small.en`');
  });

  test('with a name like no other comes with all names', async () => {
    const { message } = await refuse('gigantic');
    expect(message).toContain('Known models: `tiny`, `tiny.en`,');
    expect(message).toContain('`reelgraph model fetch base`');
  });
});

describe('a file that is no Whisper model', () => {
  test.each([
    ['a web page', Buffer.from('<!doctype html><title>Not found</title>')],
    ['a GGUF file', header(51_864, 0x46_55_47_47)],
    ['a file in other byte order', header(51_864).swap32()],
    ['a model of another network', header(10)],
    ['an empty file', Buffer.alloc(0)],
    ['the first bytes of a model', header(51_864).subarray(0, 7)],
  ])('is refused: %s', async (_what, bytes) => {
    await put('ggml-base.bin', bytes);
    const { message } = await refuse('base');
    expect(message).toContain('`ggml-base.bin` is not a Whisper model in ggml format.');
    expect(message).toContain('`reelgraph model fetch base`');
  });

  test('is refused: a directory', async () => {
    await mkdir(join(directory.path, 'ggml-base.bin'));
    expect((await refuse('base')).message).toContain('`ggml-base.bin`');
  });
});

test('the voice-activity model has the name under which it is published', () => {
  expect(sileroFileName).toBe('ggml-silero-v6.2.0.bin');
});
