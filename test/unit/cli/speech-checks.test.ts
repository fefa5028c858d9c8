import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isWorking, type Check } from '../../../src/cli/checks.ts';
import { checkSpeech } from '../../../src/cli/speech-checks.ts';
import { settingsSchema, type Settings } from '../../../src/config/settings.ts';
import { sileroModel } from '../../../src/speech/model-catalog.ts';
import { createTempDirectory, type TempDirectory } from '../../support/temp-directory.ts';

let directory: TempDirectory;

beforeEach(async () => {
  directory = await createTempDirectory();
});

afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

/** The checks with an engine that is not there, so that no process is started. */
async function check(given: Partial<Settings> = {}): Promise<ReadonlyMap<string, Check>> {
  const checks = await checkSpeech(
    settingsSchema.parse({
      dataDir: directory.path,
      recognizer: 'cli',
      whisperCli: join(directory.path, 'no-whisper-cli'),
      ...given,
    }),
  );
  expect(isWorking(checks)).toBe(true);
  return new Map(checks.map((found) => [found.title, found]));
}

async function putModel(name: string, bytes: Buffer, size = bytes.length): Promise<string> {
  const path = join(directory.path, 'models', name);
  await mkdir(join(directory.path, 'models'), { recursive: true });
  await writeFile(path, bytes);
  await truncate(path, size);
  return path;
}

/** The start of a multilingual ggml model. */
const header = Buffer.from([0x6c, 0x6d, 0x67, 0x67, 0x99, 0xca, 0, 0]);

describe('speech', () => {
  test('is looked at in three checks, none of which breaks the service', async () => {
    const checks = await check();
    expect([...checks.keys()]).toEqual(['Speech engine', 'Speech model', 'Voice activity']);
    for (const { verdict } of checks.values()) expect(verdict).toBe('note');
  });

  test('without its engine says why', async () => {
    const engine = (await check()).get('Speech engine');
    expect(engine?.finding).toMatch(/^No captions: .*whisper/i);
  });

  test('without its model says what to run', async () => {
    const model = (await check({ whisperModel: 'small.en' })).get('Speech model');
    expect(model?.verdict).toBe('note');
    expect(model?.finding).toContain('No captions: The speech model `ggml-small.en.bin` is not');
    expect(model?.finding).toContain('`reelgraph model fetch small.en`');
  });

  test('with its model names the file and the languages', async () => {
    const path = await putModel('ggml-base.bin', header, 147_951_465);
    expect((await check()).get('Speech model')).toEqual({
      title: 'Speech model',
      verdict: 'fine',
      finding: `ggml-base.bin, multilingual (${path})`,
    });
  });

  test('with a model file of one’s own names that', async () => {
    const whisperModel = 'fixtures/speech-model/ggml-digits.bin';
    const model = (await check({ whisperModel })).get('Speech model');
    expect(model?.verdict).toBe('fine');
    expect(model?.finding).toMatch(/^ggml-digits\.bin, English only \(\/.*\)$/);
  });

  test('with a broken copy of a published model says so, and what to run', async () => {
    await putModel('ggml-base.bin', header, 1024 * 1024);
    const model = (await check()).get('Speech model');
    expect(model?.verdict).toBe('note');
    expect(model?.finding).toMatch(/ has 1\.0 MiB, the published one 141\.1 MiB\.$/);
    expect(model?.remedy).toContain('`reelgraph model fetch base`');
  });

  test('without Silero says what is used instead, and what to run', async () => {
    const voices = (await check()).get('Voice activity');
    expect(voices?.finding).toContain('WebRTC’s detector is used');
    expect(voices?.remedy).toContain('`reelgraph model fetch silero`');
  });

  test('with Silero names its file', async () => {
    const path = await putModel(sileroModel.fileName, Buffer.alloc(0), sileroModel.bytes);
    expect((await check()).get('Voice activity')).toEqual({
      title: 'Voice activity',
      verdict: 'fine',
      finding: `Silero (${path})`,
    });
  });
});
