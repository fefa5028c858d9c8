import { readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import type { Failure } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Result } from '../../../src/base/result.ts';
import { mebibyte } from '../../../src/base/units.ts';
import { recognizeSpeech } from '../../../src/nodes/recognize-speech.ts';
import type { RecognizeSpeechParams } from '../../../src/nodes/recognize-speech.ts';
import type {
  RecognitionControl,
  RecognitionRequest,
  Recognizer,
  Transcript,
} from '../../../src/speech/recognizer.ts';
import { attemptOf, inputArtifact } from '../../support/node-attempt.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import { film } from './sample-media.ts';
import { said, transcriptOf } from './sample-transcript.ts';

const fixtures = join(import.meta.dirname, '..', '..', '..', 'fixtures');

/** Gives a prepared answer and remembers what it was asked. */
class PreparedRecognizer implements Recognizer {
  readonly name = 'prepared';
  readonly requests: RecognitionRequest[] = [];
  readonly controls: RecognitionControl[] = [];
  readonly #answer: Result<Transcript, Failure>;

  constructor(answer: Result<Transcript, Failure>) {
    this.#answer = answer;
  }

  recognize(
    request: RecognitionRequest,
    control: RecognitionControl,
  ): ReturnType<Recognizer['recognize']> {
    this.requests.push(request);
    this.controls.push(control);
    control.onProgress(0.5);
    return Promise.resolve(this.#answer);
  }
}

const spoken = transcriptOf([said('hello world', 300, 1240), said('stop', 9820, 10_360)]);

// Ten seconds of 16 kHz samples behind their header.
const speech = inputArtifact({ name: 'speech.wav', role: 'speech', bytes: 44 + 320_000 });

function run(
  recognizer: Recognizer,
  directory: TempDirectory,
  parts: Partial<Parameters<typeof attemptOf>[1]> & { params?: RecognizeSpeechParams } = {},
) {
  const { params = {}, ...rest } = parts;
  return recognizeSpeech(recognizer, 'base').run(
    attemptOf(params, { inputs: [speech], outputDirectory: directory.path, ...rest }),
  );
}

const kind = recognizeSpeech(new PreparedRecognizer(ok(spoken)), 'base');

describe('recognize-speech', () => {
  it('writes captions in both forms and a transcript', async () => {
    await using directory = await createTempDirectory();
    const outcome = await run(new PreparedRecognizer(ok(spoken)), directory);
    expect(outcome).toEqual(
      ok({
        files: [{ name: 'captions.vtt' }, { name: 'captions.srt' }, { name: 'transcript.json' }],
      }),
    );
    const read = (name: string) => readFile(join(directory.path, name), 'utf8');
    expect(await read('captions.vtt')).toMatch(/^WEBVTT\nLanguage: en\n\n00:00:00\.300 --> /);
    expect(await read('captions.srt')).toMatch(/^1\n00:00:00,300 --> 00:00:01,240\nhello world\n/);
    expect(JSON.parse(await read('transcript.json'))).toMatchObject({
      language: 'en',
      segments: [{ text: 'hello world' }, { text: 'stop' }],
    });
  });

  it('makes what it says it makes, the WebVTT file first among the captions', () => {
    const outputs = kind.outputs({});
    expect(outputs.find(({ role }) => role === 'captions')?.name).toBe('captions.vtt');
    expect(outputs.map(({ name }) => name)).toEqual([
      'captions.vtt',
      'captions.srt',
      'transcript.json',
    ]);
  });

  it('gives captions without a cue and a transcript without a segment of silence, and says so', async () => {
    await using directory = await createTempDirectory();
    const outcome = await run(new PreparedRecognizer(ok(transcriptOf([]))), directory);
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        files: [{ name: 'captions.vtt' }, { name: 'transcript.json' }],
        warnings: [{ code: 'no_speech' }],
      },
    });
    expect((await readdir(directory.path)).toSorted()).toEqual(['captions.vtt', 'transcript.json']);
    expect(await readFile(join(directory.path, 'captions.vtt'), 'utf8')).toBe(
      'WEBVTT\nLanguage: en\n',
    );
  });

  it('asks with the thread budget, the length of the recording and what the job gives', async () => {
    await using directory = await createTempDirectory();
    const recognizer = new PreparedRecognizer(err(failure('tool', 'It broke.')));
    const params = { language: 'de', model: 'small' };
    await run(recognizer, directory, { params, cores: 3 });
    await run(recognizer, directory, { params: { language: '', model: '' }, cores: 0 });
    await run(recognizer, directory, { params: { language: 'auto' } });
    await run(recognizer, directory);
    const asked = {
      path: '/job/speech.wav',
      durationSec: 10,
      scratchDirectory: directory.path,
    };
    expect(recognizer.requests).toEqual([
      { ...asked, language: 'de', model: 'small', threads: 3 },
      { ...asked, threads: 1 },
      { ...asked, threads: 1 },
      { ...asked, threads: 1 },
    ]);
  });

  it('hands on progress and the signal', async () => {
    await using directory = await createTempDirectory();
    const recognizer = new PreparedRecognizer(ok(spoken));
    const { signal } = new AbortController();
    const reported: number[] = [];
    await run(recognizer, directory, { signal, onProgress: (part) => reported.push(part) });
    expect(reported).toEqual([0.5]);
    expect(recognizer.controls[0]?.signal).toBe(signal);
  });

  it('fails as the recognizer fails, with the command to run', async () => {
    await using directory = await createTempDirectory();
    const missing = failure('model_missing', 'Run: reelgraph model fetch base', '/models');
    const outcome = await run(new PreparedRecognizer(err(missing)), directory);
    expect(outcome).toEqual(err(missing));
    expect(await readdir(directory.path)).toEqual([]);
  });
});

describe('the parameters of recognize-speech', () => {
  it.each([
    [{}, {}],
    [{ language: 'en' }, { language: 'en' }],
    [{ language: ' EN ' }, { language: 'en' }],
    [{ language: '' }, { language: '' }],
    [{ language: 'Auto' }, { language: 'auto' }],
    [{ language: 'yue' }, { language: 'yue' }],
    [{ model: 'large-v3-turbo-q5_0' }, { model: 'large-v3-turbo-q5_0' }],
    [{ model: '' }, { model: '' }],
  ])('take %j', (given, wanted) => {
    expect(kind.params.parse(given)).toEqual(wanted);
  });

  it.each([
    { language: 'xx' },
    { language: 'english' },
    { language: 'en-US' },
    { language: 7 },
    { model: '../secret.bin' },
    { model: '/etc/passwd' },
    { model: '.hidden' },
    { model: 'a b' },
    { lang: 'en' },
  ])('refuse %j', (given) => {
    expect(kind.params.safeParse(given).success).toBe(false);
  });
});

describe('the estimate of recognize-speech', () => {
  it('asks for one core to four and grows with the length', () => {
    const short = kind.estimate({}, film({}, { durationSec: 10 }));
    const long = kind.estimate({}, film({}, { durationSec: 3600 }));
    expect(short.demand).toMatchObject({ coresMin: 1, coresMax: 4 });
    expect(long.coreSeconds).toBeGreaterThan(100 * short.coreSeconds);
    expect(long.demand.memoryBytes).toBe(short.demand.memoryBytes);
  });

  it('knows a short clip before the source is known', () => {
    expect(kind.estimate({}, undefined)).toEqual(kind.estimate({}, film()));
  });

  it('asks for the memory and the work of the model that is named', () => {
    const names = ['tiny.en', 'base', 'small-q8_0', 'medium', 'large-v3'];
    const estimates = names.map((model) => kind.estimate({ model }, film()));
    const memory = estimates.map(({ demand }) => demand.memoryBytes);
    const work = estimates.map(({ coreSeconds }) => coreSeconds);
    expect(memory).toEqual(memory.toSorted((left, right) => left - right));
    expect(work).toEqual(work.toSorted((left, right) => left - right));
    expect(memory.at(-1)).toBeGreaterThan(3900 * mebibyte);
    expect(kind.estimate({ model: 'large-v3-turbo' }, film()).coreSeconds).toBeLessThan(
      work.at(-1) ?? 0,
    );
    expect(kind.estimate({ model: 'my-own' }, film())).toEqual(kind.estimate({}, film()));
  });

  /** The estimate for a film with ten seconds of sound when no model is named. */
  function estimateOf(configuredModel: string) {
    const configured = recognizeSpeech(new PreparedRecognizer(ok(spoken)), configuredModel);
    return configured.estimate({}, film({}, { durationSec: 10 }));
  }

  it('asks for what the configured model needs when none is named', () => {
    const named = kind.estimate({ model: 'large-v3' }, film({}, { durationSec: 10 }));
    expect(estimateOf('large-v3')).toEqual(named);
    expect(estimateOf('/var/lib/tiny-films/ggml-large-v3.bin')).toEqual(named);
    const large = recognizeSpeech(new PreparedRecognizer(ok(spoken)), 'large-v3');
    expect(large.estimate({ model: 'base' }, film())).toEqual(kind.estimate({}, film()));
  });

  it('tells the size of a model by its file when the name tells none', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'ours.bin');
    await writeFile(path, '');
    await truncate(path, 487_601_967);
    const small = estimateOf('small');
    expect(estimateOf(path)).toMatchObject({ demand: small.demand });
    expect(estimateOf(path).coreSeconds).toBeCloseTo(small.coreSeconds, 1);
    await truncate(path, 20_000_000_000);
    expect(estimateOf(path).demand).toEqual(estimateOf('large').demand);
    expect(estimateOf(join(directory.path, 'nowhere.bin'))).toEqual(estimateOf('base'));
  });

  it('takes two cores for a tiny model, and one for the one of the tests', () => {
    expect(estimateOf('tiny').demand.coresMax).toBe(2);
    const digits = estimateOf(join(fixtures, 'speech-model', 'ggml-digits.bin'));
    expect(digits.demand).toMatchObject({ coresMin: 1, coresMax: 1 });
    expect(digits.demand.memoryBytes).toBe(estimateOf('tiny').demand.memoryBytes);
    expect(digits.coreSeconds).toBeCloseTo(2.5, 5);
  });
});
