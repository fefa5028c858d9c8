import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { toWav } from '../../../src/speech/wav.ts';

const fixtures = join(import.meta.dirname, '../../../fixtures/speech-model');

/** The tiny model: 25 English words. */
export const modelPath = join(fixtures, 'ggml-digits.bin');

/** Eight of its words in four utterances, 10.8 s. */
export const samplePath = join(fixtures, 'sample.wav');

/** A stretch of speech with what is said, in milliseconds. */
export interface Utterance {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}

const sampleSchema = z.object({
  segments: z.array(z.object({ t0: z.number(), t1: z.number(), text: z.string() })),
});

/** What is said in the sample, and when. */
export async function readUtterances(): Promise<readonly Utterance[]> {
  const json = await readFile(join(fixtures, 'sample.json'), 'utf8');
  const { segments } = sampleSchema.parse(JSON.parse(json));
  return segments.map(({ t0, t1, text }) => ({ startMs: t0, endMs: t1, text }));
}

/** The sample's PCM: 16 samples per millisecond. */
export async function readSample(): Promise<Int16Array> {
  const wav = await readFile(samplePath);
  return new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length));
}

const samplesPerMs = 16;

/** A recording on disk, with what is said in it. */
export interface TestRecording {
  readonly path: string;
  readonly durationSec: number;
  readonly utterances: readonly Utterance[];
}

/** Writes samples as a WAV file. */
export async function writeSound(path: string, samples: Int16Array): Promise<TestRecording> {
  await writeFile(path, toWav(samples));
  return { path, durationSec: samples.length / samplesPerMs / 1000, utterances: [] };
}

/** Silence that is so many milliseconds long. */
export function silence(durationMs: number): Int16Array {
  return new Int16Array(durationMs * samplesPerMs);
}

/** White noise with amplitudes up to the given one of 32 768; the same at every call. */
export function whiteNoise(durationMs: number, amplitude: number): Int16Array {
  let state = 1;
  return silence(durationMs).map(() => {
    // Numerical Recipes' generator: quick, and random enough to hiss.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * amplitude);
  });
}

/** A sine of 440 Hz. */
export function tone(durationMs: number): Int16Array {
  return silence(durationMs).map((_, index) =>
    Math.round(8000 * Math.sin((2 * Math.PI * 440 * index) / (samplesPerMs * 1000))),
  );
}

/** Samples one behind the other. */
export function join16(...parts: readonly Int16Array[]): Int16Array {
  const samples = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    samples.set(part, offset);
    offset += part.length;
  }
  return samples;
}

/** The utterances of the sample one after the other, each behind a pause of the given length. */
export async function writePhrases(
  path: string,
  pausesMs: readonly number[],
): Promise<TestRecording> {
  const [sample, utterances] = await Promise.all([readSample(), readUtterances()]);
  const marginMs = 100;
  const parts: Int16Array[] = [];
  const said: Utterance[] = [];
  let timeMs = 0;
  for (const [index, pauseMs] of pausesMs.entries()) {
    const { startMs, endMs, text } = utterances[index % utterances.length]!;
    const phrase = sample.subarray(
      (startMs - marginMs) * samplesPerMs,
      (endMs + marginMs) * samplesPerMs,
    );
    parts.push(silence(pauseMs), phrase);
    timeMs += pauseMs + marginMs;
    said.push({ startMs: timeMs, endMs: timeMs + endMs - startMs, text });
    timeMs += endMs - startMs + marginMs;
  }
  const recording = await writeSound(path, join16(...parts, silence(500)));
  return { ...recording, utterances: said };
}
