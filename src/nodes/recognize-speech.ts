import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { required } from '../base/assert.ts';
import { ok } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { Estimate } from '../resources/demand.ts';
import type { RecognitionRequest, Recognizer, Transcript } from '../speech/recognizer.ts';
import { assumedAudio } from './assumed-media.ts';
import { toCues } from './caption-cues.ts';
import { fitTranscript } from './fit-transcript.ts';
import { isKnownLanguage } from './language-code.ts';
import type { NodeKind, NodeOutcome } from './node-kind.ts';
import { toSubRip } from './subrip.ts';
import { transcriptJson } from './transcript-json.ts';
import { toWebVtt } from './webvtt.ts';

const paramsSchema = z.strictObject({
  language: z
    .string()
    .trim()
    .toLowerCase()
    .refine(
      (code) => isAutomatic(code) || isKnownLanguage(code),
      'must be a language that speech models know, as an ISO 639-1 code such as `en`, or `auto`',
    )
    .optional()
    .describe(
      'ISO 639-1 code of the language spoken, e.g. en; detected when absent, empty or auto.',
    ),
  // A name only: a path would let whoever starts a job read any file of the host.
  model: z
    .string()
    .trim()
    .regex(
      /^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/,
      'must be the name of a speech model such as `base.en`',
    )
    .optional()
    .describe('Name of the speech model, e.g. base.en; the configured one when absent or empty.'),
});

/** Parameters of `recognize-speech`. */
export type RecognizeSpeechParams = z.infer<typeof paramsSchema>;

const webVttName = 'captions.vtt';
const subRipName = 'captions.srt';
const transcriptName = 'transcript.json';

/**
 * Turns speech into timed captions and a transcript. Silence gives captions without a cue and a
 * transcript without segments; there is no SubRip file then, as it would be empty. Failures: those of
 * the recognizer.
 *
 * @param configuredModel the model of jobs that name none: a published name, or the path of a file, which
 *   is looked at once, for its size.
 */
export function recognizeSpeech(
  recognizer: Recognizer,
  configuredModel: string,
): NodeKind<RecognizeSpeechParams> {
  const configuredSize = sizeOfConfigured(configuredModel);
  return {
    name: 'recognize-speech',
    version: 1,
    summary: 'Writes down what is said: captions with times, and a transcript.',
    params: paramsSchema,
    inputs: [{ role: 'speech', take: 'one' }],
    // `merge` takes the first of a role: the WebVTT file.
    outputs: () => [
      { name: webVttName, role: 'captions', mediaType: 'text/vtt', product: true },
      { name: subRipName, role: 'captions', mediaType: 'application/x-subrip', product: true },
      { name: transcriptName, role: 'transcript', mediaType: 'application/json', product: true },
    ],
    estimate: ({ model }, media) =>
      estimateRecognition(sizeByName(model ?? '') ?? configuredSize, media),
    resultVersion: ({ model }) =>
      recognizer.version?.(model === undefined || model === '' ? undefined : model),
    async run(attempt) {
      const { params, inputs, cores, signal, outputDirectory } = attempt;
      const speech = required(inputs.one('speech'), 'the speech');
      const request = {
        ...toRequest(params, speech, cores),
        scratchDirectory: outputDirectory,
      };
      const recognized = await recognizer.recognize(request, {
        signal,
        onProgress: (fraction) => attempt.onProgress(fraction),
      });
      if (!recognized.ok) return recognized;
      return ok(await writeOutputs(fitTranscript(recognized.value), outputDirectory));
    },
  };
}

/** Whether a job leaves the language to the recognizer; an empty field of a form does, too. */
function isAutomatic(language: string): boolean {
  return language === '' || language === 'auto';
}

/** Bytes of the WAV header that `extract-audio` writes, and of a second of what follows. */
const headerBytes = 44;
const bytesPerSecond = 2 * 16_000;

function toRequest(
  { language, model }: RecognizeSpeechParams,
  speech: { readonly path: string; readonly bytes: number },
  cores: number,
): Omit<RecognitionRequest, 'scratchDirectory'> {
  return {
    path: speech.path,
    durationSec: Math.max(0, speech.bytes - headerBytes) / bytesPerSecond,
    ...(language === undefined || isAutomatic(language) ? {} : { language }),
    ...(model === undefined || model === '' ? {} : { model }),
    threads: Math.max(1, cores),
  };
}

async function writeOutputs(transcript: Transcript, directory: string): Promise<NodeOutcome> {
  const cues = toCues(transcript);
  const texts: readonly (readonly [string, string])[] = [
    [webVttName, toWebVtt(cues, transcript.language)],
    ...(cues.length === 0 ? [] : [[subRipName, toSubRip(cues)] as const]),
    [transcriptName, `${JSON.stringify(transcriptJson(transcript), null, 2)}\n`],
  ];
  for (const [name, text] of texts) {
    await writeFile(join(directory, name), text, { flag: 'wx' });
  }
  const files = texts.map(([name]) => ({ name }));
  if (cues.length > 0) return { files };
  const message = 'No speech was recognized: the captions are empty.';
  return { files, warnings: [{ code: 'no_speech', message }] };
}

/** What a Whisper model is like, as far as it costs something. */
interface ModelSize {
  /** Parameters in millions (OpenAI's model card). */
  readonly parameters: number;
  /** Memory that whisper.cpp needs for it (its README, "Memory usage"). */
  readonly memoryMib: number;
}

const tinyModel: ModelSize = { parameters: 39, memoryMib: 273 };
const baseModel: ModelSize = { parameters: 74, memoryMib: 388 };
const largeModel: ModelSize = { parameters: 1550, memoryMib: 3990 };

/** Part of a model's name → its size, large ones first; the first that fits counts. */
const modelSizes: readonly (readonly [string, ModelSize])[] = [
  // Four decoder layers in place of 32; whisper.cpp names no figure, so this is the one of `medium`.
  ['turbo', { parameters: 809, memoryMib: 2150 }],
  ['large', largeModel],
  ['medium', { parameters: 769, memoryMib: 2150 }],
  ['small', { parameters: 244, memoryMib: 852 }],
  ['base', baseModel],
  ['tiny', tinyModel],
];

/** The size that a name tells, if it tells one. */
function sizeByName(name: string): ModelSize | undefined {
  return modelSizes.find(([part]) => name.includes(part))?.[1];
}

/**
 * The size of the configured model: by the name (of the file alone, for a path), else by the file's
 * size, else that of the default model.
 */
function sizeOfConfigured(model: string): ModelSize {
  return sizeByName(basename(model)) ?? sizeByFile(model) ?? baseModel;
}

/** Bytes of a parameter in a model's file, unless it is quantized: 16-bit floats. */
const bytesPerParameter = 2;

/** The size of a file that is there, with the memory of the smallest published model that is as large. */
function sizeByFile(path: string): ModelSize | undefined {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size;
  if (bytes === undefined) return undefined;
  const parameters = bytes / bytesPerParameter / 1e6;
  const larger = modelSizes.findLast(([, size]) => size.parameters >= parameters)?.[1];
  return { parameters, memoryMib: (larger ?? largeModel).memoryMib };
}

/** Millions of parameters from which on a model is like `tiny`, and like `base`: files differ a little. */
const parametersOfTwoThreads = 30;
const parametersOfFourThreads = 60;

/**
 * Threads that a model makes use of. More than four gain little: the decoder's steps wait for each other.
 * The matrices of small models are not worth sharing: the one in `fixtures/`, with four million
 * parameters, keeps one core busy whatever it is given (measured with the addon).
 */
function usefulThreads({ parameters }: ModelSize): number {
  if (parameters < parametersOfTwoThreads) return 1;
  return parameters < parametersOfFourThreads ? 2 : 4;
}

/** Memory of the process around the engine; sound is read window by window, whatever its length. */
const processMemoryMib = 96;

/**
 * CPU seconds per second of sound of a model with a million parameters. An assumption until hosts
 * learn their own: `base` at five times real time on one core, and work in proportion to the
 * parameters.
 */
const coreSecPerSecondAndMillion = 0.2 / 74;

/**
 * CPU seconds per second of sound below which no model gets: finding voices, the spectrogram and the
 * decoder's steps cost what they cost (measured with the model in `fixtures/`: 2.0–2.4 s for 10.8 s of
 * sound, {@link leastCoreSec} included).
 */
const leastCoreSecPerSecond = 0.1;

/** Loading a small model and working on one window of 30 s, however short the sound (measured: 1.3 s). */
const leastCoreSec = 1.5;

function estimateRecognition(size: ModelSize, media: MediaProbe | undefined): Estimate {
  const { durationSec } = media?.audio ?? assumedAudio;
  const perSecond = Math.max(leastCoreSecPerSecond, coreSecPerSecondAndMillion * size.parameters);
  return {
    demand: {
      coresMin: 1,
      coresMax: usefulThreads(size),
      memoryBytes: (processMemoryMib + size.memoryMib) * mebibyte,
      ioSlots: 0,
      gpus: 0,
    },
    coreSeconds: leastCoreSec + perSecond * durationSec,
  };
}
