import { z } from 'zod';
import type { JsonObject } from '../../src/base/json.ts';
import { mebibyte } from '../../src/base/units.ts';
import type { MediaProbe } from '../../src/graph/media-probe.ts';
import type { KindCatalog, KindSpec, OutputSpec } from '../../src/pipeline/kind-spec.ts';
import type { Estimate } from '../../src/resources/demand.ts';

/**
 * The seven kinds by name, parameters, inputs and outputs, with estimates that are easy to foresee:
 * for tests of definitions and plans, which must not depend on how a kind does its work.
 */
export const fakeKinds: KindCatalog = new Map(
  [validate(), extractAudio(), thumbnail(), transcode(), recognizeSpeech(), merge(), publish()].map(
    (kind) => [kind.name, kind],
  ),
);

/** Seconds that the estimates count with while the source is unknown. */
export const unknownDurationSec = 60;

/** The catalog does not know which parameters a kind takes; the kind's own schema checks them. */
function asKind<Params extends JsonObject>(spec: KindSpec<Params>): KindSpec {
  return spec;
}

function cpu(coreSeconds: number, coresMax = 1, memoryMib = 100): Estimate {
  return {
    coreSeconds,
    demand: { coresMin: 1, coresMax, memoryBytes: memoryMib * mebibyte, ioSlots: 0, gpus: 0 },
  };
}

function seconds(media: MediaProbe | undefined): number {
  return media?.durationSec ?? unknownDurationSec;
}

function output(name: string, role: OutputSpec['role'], product: boolean): OutputSpec {
  return { name, role, mediaType: mediaTypeOf(name), product };
}

function mediaTypeOf(name: string): string {
  const types: Record<string, string> = {
    '.m4a': 'audio/mp4',
    '.wav': 'audio/wav',
    '.jpg': 'image/jpeg',
    '.mp4': 'video/mp4',
    '.json': 'application/json',
    '.vtt': 'text/vtt',
    '.srt': 'application/x-subrip',
  };
  return types[name.slice(name.lastIndexOf('.'))] ?? 'application/octet-stream';
}

function validate(): KindSpec {
  return asKind({
    name: 'validate',
    version: 1,
    summary: 'Checks the upload and finds out what it holds.',
    params: z.strictObject({}),
    inputs: [],
    outputs: () => [output('source', 'source', false)],
    estimate: () => cpu(1),
  });
}

function extractAudio(): KindSpec {
  return asKind({
    name: 'extract-audio',
    version: 1,
    summary: 'Encodes the audio track, and once more as speech for a recognizer.',
    params: z.strictObject({
      bitrateBps: z.int().min(32_000).max(512_000).default(128_000).describe('Bits per second.'),
    }),
    inputs: [{ role: 'source', take: 'one' }],
    outputs: () => [output('audio.m4a', 'audio', true), output('speech.wav', 'speech', false)],
    estimate: (_params, media) => cpu(seconds(media) / 20),
  });
}

function thumbnail(): KindSpec {
  return asKind({
    name: 'thumbnail',
    version: 1,
    summary: 'Picks a representative frame.',
    params: z.strictObject({
      widthMax: z.int().min(16).max(7680).default(1280).describe('Widest picture in pixels.'),
    }),
    inputs: [{ role: 'source', take: 'one' }],
    outputs: () => [output('thumbnail.jpg', 'image', true)],
    estimate: () => cpu(2),
  });
}

function transcode(): KindSpec {
  return asKind({
    name: 'transcode',
    version: 1,
    summary: 'Encodes the video track at one resolution.',
    params: z.strictObject({
      resolution: z.int().min(144).max(4320).describe('Short side in pixels.'),
      crf: z.int().min(0).max(51).default(23).describe('Quality: lower is better.'),
      preset: z.enum(['ultrafast', 'veryfast', 'medium', 'slow']).default('veryfast'),
    }),
    inputs: [{ role: 'source', take: 'one' }],
    outputs: ({ resolution }) => [output(`${resolution}p.video.mp4`, 'video', false)],
    estimate: ({ resolution }, media) => cpu((seconds(media) * resolution) / 720, 4, resolution),
  });
}

function recognizeSpeech(): KindSpec {
  return asKind({
    name: 'recognize-speech',
    version: 1,
    summary: 'Turns speech into a transcript and captions.',
    params: z.strictObject({
      language: z
        .string()
        .regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code such as `en`')
        .optional()
        .describe('ISO 639-1 code of the language spoken; detected when absent.'),
      model: z.string().min(1).optional().describe('Speech model; the configured one when absent.'),
    }),
    inputs: [{ role: 'speech', take: 'one' }],
    outputs: () => [
      output('transcript.json', 'transcript', true),
      output('captions.vtt', 'captions', true),
      output('captions.srt', 'captions', true),
    ],
    estimate: (_params, media) => cpu(seconds(media) / 2, 4, 500),
  });
}

function merge(): KindSpec {
  return asKind({
    name: 'merge',
    version: 1,
    summary: 'Puts video, audio and captions into one playable file.',
    params: z.strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be a short name such as `720p`')
        .describe('Name of the file, without its extension.'),
    }),
    inputs: [
      { role: 'video', take: 'one' },
      { role: 'audio', take: 'optional' },
      { role: 'captions', take: 'optional' },
    ],
    outputs: ({ name }) => [output(`${name}.mp4`, 'rendition', true)],
    estimate: () => cpu(1),
  });
}

function publish(): KindSpec {
  return asKind({
    name: 'publish',
    version: 1,
    summary: 'Stores the products and lists them in a manifest.',
    params: z.strictObject({}),
    inputs: [
      { role: 'image', take: 'every' },
      { role: 'rendition', take: 'every' },
      { role: 'audio', take: 'every' },
      { role: 'transcript', take: 'every' },
      { role: 'captions', take: 'every' },
    ],
    outputs: () => [output('manifest.json', 'manifest', true)],
    estimate: () => ({
      coreSeconds: 0.5,
      demand: { coresMin: 0, coresMax: 0, memoryBytes: 50 * mebibyte, ioSlots: 1, gpus: 0 },
    }),
  });
}
