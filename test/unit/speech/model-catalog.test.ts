import { expect, test } from 'vitest';
import { settingsSchema } from '../../../src/config/settings.ts';
import {
  findPublishedModel,
  publishedModels,
  sileroModel,
} from '../../../src/speech/model-catalog.ts';

const all = [...publishedModels, sileroModel];

test('no two models share a name, a file, a size or a digest', () => {
  for (const field of ['name', 'fileName', 'bytes', 'sha256', 'path'] as const) {
    expect(new Set(all.map((model) => model[field])).size).toBe(all.length);
  }
});

test('every model has a whole digest and the name of its file in its path', () => {
  for (const { sha256, path, fileName } of all) {
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(path).toMatch(/^[\w-]+\/[\w.-]+\/resolve\/main\/ggml-[\w.-]+\.bin$/);
    expect(path.endsWith(`/${fileName}`)).toBe(true);
  }
});

test('a quantized model is less than half of the one that it is made from', () => {
  const quantized = publishedModels.filter(({ name }) => name.includes('-q5'));
  expect(quantized.length).toBeGreaterThan(0);
  for (const { name, bytes } of quantized) {
    const whole = findPublishedModel(name.replace(/-q5_\d$/, ''));
    expect(whole?.bytes).toBeGreaterThan(2 * bytes);
  }
});

test('the configured model is a published one by default', () => {
  const { whisperModel } = settingsSchema.parse({});
  expect(findPublishedModel(whisperModel)?.fileName).toBe('ggml-base.bin');
});

test('nothing is found under a name that nobody published', () => {
  expect(findPublishedModel('toString')).toBeUndefined();
  expect(findPublishedModel('silero')).toBeUndefined();
});
