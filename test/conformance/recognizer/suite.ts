import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { RecognizerOptions } from '../../../src/speech/create-recognizer.ts';
import type { RecognitionRequest, Recognizer, Transcript } from '../../../src/speech/recognizer.ts';
import { childProcessIds, childProcesses } from '../../support/child-processes.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import { createMultilingualModel } from './multilingual-model.ts';
import {
  modelPath,
  readUtterances,
  samplePath,
  silence,
  tone,
  whiteNoise,
  writePhrases,
  writeSound,
} from './sounds.ts';
import type { TestRecording, Utterance } from './sounds.ts';

/** The options of a recognizer but its engine, of which a test may change some. */
export type SuiteOptions = Omit<RecognizerOptions, 'engine'>;

/** How far a time may be off: engines and voices are not exact to the syllable. */
const toleranceMs = 300;

const never = new AbortController().signal;

/** What every recognizer has to do. `create` makes one of the engine in question. */
export function describeRecognizer(
  name: string,
  create: (options: SuiteOptions) => Recognizer,
): void {
  describe(`${name} as a recognizer`, () => {
    let directory: TempDirectory;
    let sample: TestRecording;
    /** Its speech fills three windows, so that there is progress between them. */
    let long: TestRecording;

    beforeAll(async () => {
      directory = await createTempDirectory();
      await mkdir(pathOf('scratch'));
      sample = { path: samplePath, durationSec: 10.775, utterances: await readUtterances() };
      long = await writePhrases(
        pathOf('long.wav'),
        Array.from({ length: 28 }, () => 1500),
      );
    });

    afterAll(async () => directory[Symbol.asyncDispose]());

    afterEach(() => {
      expect(childProcesses()).toEqual([]);
    });

    afterEach(async () => {
      expect(await readdir(pathOf('scratch'))).toEqual([]);
    });

    const pathOf = (file: string): string => join(directory.path, file);

    function createWith(changes: Partial<SuiteOptions> = {}): Recognizer {
      return create({
        model: modelPath,
        modelsDir: directory.path,
        clock: systemClock,
        logger: silentLogger,
        ...changes,
      });
    }

    interface Call extends Partial<RecognitionRequest> {
      readonly signal?: AbortSignal;
      readonly onProgress?: (fraction: number) => void;
      readonly recognizer?: Recognizer;
    }

    function recognize(
      recording: TestRecording,
      { signal = never, onProgress = () => {}, recognizer = createWith(), ...request }: Call = {},
    ): ReturnType<Recognizer['recognize']> {
      const { path, durationSec } = recording;
      return recognizer.recognize(
        { path, durationSec, threads: 1, scratchDirectory: pathOf('scratch'), ...request },
        { signal, onProgress },
      );
    }

    async function transcribe(recording: TestRecording, call: Call = {}): Promise<Transcript> {
      const result = await recognize(recording, call);
      if (!result.ok) throw new Error(JSON.stringify(result.error));
      return result.value;
    }

    describe('on speech', () => {
      test('hears every word of the sample, each utterance at its time', async () => {
        const transcript = await transcribe(sample);
        expectUtterances(transcript, sample.utterances);
        expect(transcript.segments.map(({ text }) => text).join(' ')).toBe(
          'hello world camera ready scene seven start stop',
        );
      });

      test('gives words in order, within their segments', async () => {
        const { segments } = await transcribe(sample);
        for (const { words = [], ...segment } of segments) {
          expect(words.map(({ text }) => text).join(' ')).toBe(segment.text);
          const times = words.flatMap(({ startMs, endMs }) => [startMs, endMs]);
          const edges = [segment.startMs, ...times, segment.endMs];
          expect(edges).toEqual(edges.toSorted((one, other) => one - other));
          expect(words.every(({ startMs, endMs }) => endMs > startMs)).toBe(true);
        }
      });

      test('says who recognized with which model, and how long the recording is', async () => {
        const { segments, ...rest } = await transcribe(sample);
        expect(segments.length).toBeGreaterThan(0);
        expect(rest).toEqual({
          language: 'en',
          isLanguageDetected: false,
          durationMs: 10_775,
          recognizer: createWith().name,
          model: 'ggml-digits.bin',
        });
      });

      test('hears the same at every time', async () => {
        expect(await transcribe(sample)).toEqual(await transcribe(sample));
      });

      test('places phrases between long pauses where they are', async () => {
        const pausesMs = [200, 20_000, 600, 12_000, 45_000, 1500, 3000, 9000];
        const recording = await writePhrases(pathOf('pauses.wav'), pausesMs);
        expectUtterances(await transcribe(recording), recording.utterances);
      });

      test('hears more than one window, with times that go on', async () => {
        expectUtterances(await transcribe(long), long.utterances);
      });

      test('reports progress that grows from above 0 to 1', async () => {
        const fractions: number[] = [];
        await transcribe(long, { onProgress: (fraction) => fractions.push(fraction) });
        expect(fractions).toEqual([...new Set(fractions)].toSorted((one, other) => one - other));
        expect(fractions[0]).toBeGreaterThan(0);
        expect(fractions.at(-1)).toBe(1);
        // Beyond the listening: there is some between the windows.
        expect(
          fractions.filter((fraction) => fraction > 0.1 && fraction < 1).length,
        ).toBeGreaterThan(0);
      });
    });

    describe('without speech', () => {
      test.each([
        ['silence', () => silence(8000)],
        ['quiet white noise', () => whiteNoise(8000, 300)],
        ['loud white noise', () => whiteNoise(8000, 12_000)],
        ['a tone', () => tone(8000)],
        ['no sound at all', () => silence(0)],
      ])('invents nothing in %s', async (file, sound) => {
        const recording = await writeSound(pathOf(`${file}.wav`), sound());
        const { segments, durationMs } = await transcribe(recording);
        expect(segments).toEqual([]);
        expect(durationMs).toBe(recording.durationSec * 1000);
      });

      test('does not look at the weights of the model', async () => {
        const model = pathOf('ggml-headless.bin');
        await writeFile(model, (await readFile(modelPath)).subarray(0, 1000));
        const recording = await writeSound(pathOf('nothing.wav'), silence(2000));
        expect((await transcribe(recording, { model })).segments).toEqual([]);
      });
    });

    describe('on languages', () => {
      test('takes an English-only model for English, whatever was given', async () => {
        const transcript = await transcribe(sample, { language: 'de' });
        expect(transcript).toMatchObject({ language: 'en', isLanguageDetected: false });
        expectUtterances(transcript, sample.utterances);
      });

      test('detects the language for a multilingual model, unless it is given', async () => {
        const model = pathOf('ggml-many.bin');
        await writeFile(model, await createMultilingualModel());
        const detected = await transcribe(sample, { model });
        expect(detected.isLanguageDetected).toBe(true);
        expect(detected.language).toMatch(/^[a-z]{2,3}$/);
        expect(detected.language).not.toBe('und');
        const given = await transcribe(sample, { model, language: 'de' });
        expect(given).toMatchObject({ language: 'de', isLanguageDetected: false });
        // Whisper's own code of it is another one.
        const javanese = await transcribe(sample, { model, language: 'jv' });
        expect(javanese).toMatchObject({ language: 'jv', isLanguageDetected: false });
      });

      test('says that it does not know the language where nobody speaks', async () => {
        const model = pathOf('ggml-many.bin');
        await writeFile(model, await createMultilingualModel());
        const recording = await writeSound(pathOf('mute.wav'), silence(1000));
        const transcript = await transcribe(recording, { model });
        expect(transcript).toMatchObject({ language: 'und', isLanguageDetected: false });
      });
    });

    describe('in trouble', () => {
      test('is stopped at once by an abort, and leaves no process behind', async () => {
        const controller = new AbortController();
        const result = await recognize(long, {
          signal: controller.signal,
          onProgress: (fraction) => {
            if (isBetweenWindows(fraction)) controller.abort();
          },
        });
        expect(result).toMatchObject({ ok: false, error: { code: 'cancelled' } });
      });

      test('starts nothing when it was aborted before', async () => {
        const result = await recognize(sample, { signal: AbortSignal.abort() });
        expect(result).toMatchObject({ ok: false, error: { code: 'cancelled' } });
      });

      test('fails with `tool` when its process is killed', async () => {
        const result = await recognize(long, {
          onProgress: (fraction) => {
            if (isBetweenWindows(fraction)) killChildren();
          },
        });
        expect(result).toMatchObject({ ok: false, error: { code: 'tool' } });
      });

      test('fails with `timeout` when its time is over', async () => {
        const { clock, passDeadlines } = createClockWithDeadlines();
        const result = await recognize(long, {
          recognizer: createWith({ clock }),
          onProgress: (fraction) => {
            if (isBetweenWindows(fraction)) passDeadlines();
          },
        });
        expect(result).toMatchObject({ ok: false, error: { code: 'timeout' } });
      });

      test('names the command to run when the model is missing', async () => {
        const result = await recognize(sample, { model: 'base.en' });
        expect(result).toMatchObject({ ok: false, error: { code: 'model_missing' } });
        expect(JSON.stringify(result)).toContain('reelgraph model fetch base.en');
      });

      test('takes a file that is no model for a missing one', async () => {
        const model = pathOf('junk.bin');
        await writeFile(model, 'This is no model.');
        const result = await recognize(sample, { model });
        expect(result).toMatchObject({ ok: false, error: { code: 'model_missing' } });
      });

      test('fails with `tool` when the model is cut off', async () => {
        const model = pathOf('ggml-half.bin');
        // In the middle of its weights: before them, whisper.cpp reads on for minutes behind the end.
        await writeFile(model, (await readFile(modelPath)).subarray(0, 500_000));
        const result = await recognize(sample, { model });
        expect(result).toMatchObject({ ok: false, error: { code: 'tool' } });
        expect(JSON.stringify(result)).toContain('model');
      });

      test('fails with `tool` when there is no recording, or none that it reads', async () => {
        const missing = await recognize({ ...sample, path: pathOf('missing.wav') });
        expect(missing).toMatchObject({ ok: false, error: { code: 'tool' } });
        await writeFile(pathOf('text.wav'), 'This is no sound.');
        const text = await recognize({ ...sample, path: pathOf('text.wav') });
        expect(text).toMatchObject({ ok: false, error: { code: 'tool' } });
      });

      test('listens with a lesser detector when the one for voices is damaged', async () => {
        await using models = await createTempDirectory();
        await writeFile(join(models.path, 'ggml-silero-v6.2.0.bin'), 'junk');
        const recognizer = createWith({ modelsDir: models.path });
        expectUtterances(await transcribe(sample, { recognizer }), sample.utterances);
      });
    });
  });
}

/** The text and the times of a transcript are those of the utterances. */
function expectUtterances(
  { segments, durationMs }: Transcript,
  utterances: readonly Utterance[],
): void {
  expect(segments.map(({ text }) => text)).toEqual(utterances.map(({ text }) => text));
  for (const [index, { startMs, endMs }] of segments.entries()) {
    const spoken = utterances[index]!;
    expect(Math.abs(startMs - spoken.startMs), `start of ${index}`).toBeLessThan(toleranceMs);
    expect(Math.abs(endMs - spoken.endMs), `end of ${index}`).toBeLessThan(toleranceMs);
  }
  const edges = segments.flatMap(({ startMs, endMs }) => [startMs, endMs]);
  expect(edges).toEqual(edges.toSorted((one, other) => one - other));
  expect(edges.at(-1) ?? 0).toBeLessThanOrEqual(durationMs);
}

/** Whether the engine itself is at work: listening is over, and a window is done. */
function isBetweenWindows(fraction: number): boolean {
  return fraction > 0.1 && fraction < 1;
}

function killChildren(): void {
  for (const pid of childProcessIds()) process.kill(pid, 'SIGKILL');
}

/** The system's clock, but for deadlines: those come when the test says so. */
function createClockWithDeadlines(): { clock: Clock; passDeadlines: () => void } {
  const deadlines = new Set<() => void>();
  const clock: Clock = {
    ...systemClock,
    after(delayMs, callback) {
      // What is shorter is the time between two signals.
      if (delayMs < 30_000) return systemClock.after(delayMs, callback);
      deadlines.add(callback);
      return () => deadlines.delete(callback);
    },
  };
  const passDeadlines = (): void => {
    for (const callback of deadlines) callback();
  };
  return { clock, passDeadlines };
}
