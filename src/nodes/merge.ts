import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { required } from '../base/assert.ts';
import { ok } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { FfmpegCommand } from '../ffmpeg/command.ts';
import type { MediaTools, OutputExpectation } from '../ffmpeg/media-tools.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import { assumedMedia } from './assumed-media.ts';
import { captionsFacts } from './captions-text.ts';
import { spawnCoreSec } from './cost.ts';
import { toThreeLetters } from './language-code.ts';
import { lengthBounds, videoLengthBounds } from './length.ts';
import type { NodeInputs, NodeKind } from './node-kind.ts';
import { runControl } from './run-control.ts';

const paramsSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .describe('Name of the file without its ending, e.g. 720p: small letters, digits and hyphens.'),
});

/** Parameters of `merge`. */
export type MergeParams = z.infer<typeof paramsSchema>;

/** CPU seconds per second of film: copying packets (0.1 s for a short clip, nearly all of it start). */
const coreSecPerSecond = 0.002;

/** Puts the tracks into one playable file without encoding anything again. */
export function merge(tools: MediaTools): NodeKind<MergeParams> {
  return {
    name: 'merge',
    version: 1,
    summary: 'Joins video, sound and captions in one MP4 file that starts playing at once.',
    params: paramsSchema,
    inputs: [
      { role: 'video', take: 'one' },
      { role: 'audio', take: 'optional' },
      { role: 'captions', take: 'optional' },
    ],
    outputs: (params) => [
      { name: outputName(params), role: 'rendition', mediaType: 'video/mp4', product: true },
    ],
    estimate: (_params, media) => ({
      demand: { coresMin: 1, coresMax: 1, memoryBytes: 96 * mebibyte, ioSlots: 0, gpus: 0 },
      // The run and its check.
      coreSeconds: 2 * spawnCoreSec + coreSecPerSecond * (media ?? assumedMedia).durationSec,
    }),
    resultVersion: () => tools.versions?.programs,
    async run(attempt) {
      const { params, outputDirectory, signal } = attempt;
      const probe = required(attempt.media, 'the probe');
      const output = join(outputDirectory, outputName(params));
      const tracks = await tracksOf(attempt.inputs, probe);
      const command = planMerge(tracks, output);
      const report = await tools.run(command, runControl(attempt, probe.durationSec));
      if (!report.ok) return report;
      const expected = expectedOf(tracks, probe);
      const facts = await tools.verify(output, expected, signal);
      return facts.ok ? ok({ files: [{ name: outputName(params) }] }) : facts;
    },
  };
}

function outputName({ name }: MergeParams): string {
  return `${name}.mp4`;
}

/** The tracks to join, each in a file of its own. */
export interface MergeTracks {
  readonly video: string;
  readonly audio?: MergeTrack;
  readonly captions?: MergeTrack;
}

/** A track that may say its language. */
export interface MergeTrack {
  readonly path: string;
  /** ISO 639-2/T, e.g. `eng`. */
  readonly language?: string;
}

/** Captions without a cue are left out: a track that never shows anything only confuses players. */
async function tracksOf(inputs: NodeInputs, media: MediaProbe): Promise<MergeTracks> {
  const video = required(inputs.one('video'), 'the video').path;
  const audio = inputs.one('audio');
  const captions = inputs.one('captions');
  const facts = captions === undefined ? undefined : captionsFacts(await readText(captions.path));
  const tagged = media.audio?.language;
  return {
    video,
    ...(audio === undefined ? {} : { audio: track(audio.path, tagged) }),
    ...(captions === undefined || facts?.hasCues !== true
      ? {}
      : { captions: track(captions.path, facts.language ?? tagged) }),
  };
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8');
}

function track(path: string, code: string | undefined): MergeTrack {
  const language = code === undefined ? undefined : toThreeLetters(code);
  return language === undefined ? { path } : { path, language };
}

function expectedOf(tracks: MergeTracks, media: MediaProbe): OutputExpectation {
  const video = videoLengthBounds(required(media.video, 'the video track'), media);
  const audioSec = tracks.audio === undefined ? 0 : (media.audio?.durationSec ?? 0);
  // The longest joined track, between what the tracks may last. Captions don't count: a cue may
  // outlast the film.
  const minSec = Math.max(video.minSec, lengthBounds(audioSec, media).minSec);
  const { maxSec } = video;
  return {
    streams: [
      'video',
      ...(tracks.audio === undefined ? [] : (['audio'] as const)),
      ...(tracks.captions === undefined ? [] : (['subtitle'] as const)),
    ],
    duration: { seconds: (minSec + maxSec) / 2, toleranceSec: (maxSec - minSec) / 2 },
  };
}

/** Every input begins at zero, so their own times keep them in sync. */
export function planMerge(tracks: MergeTracks, output: string): FfmpegCommand {
  const { video, audio, captions } = tracks;
  const inputs: FfmpegCommand['inputs'][number][] = [{ path: video, options: [], isOwn: true }];
  const options = ['-map', '0:v:0'];
  const languages: string[] = [];
  if (audio !== undefined) {
    options.push('-map', `${inputs.length}:a:0`);
    inputs.push({ path: audio.path, options: [], isOwn: true });
    languages.push(...languageOption('a', audio));
  }
  if (captions !== undefined) {
    options.push('-map', `${inputs.length}:s:0`);
    inputs.push({ path: captions.path, options: ['-f', 'webvtt'], isOwn: true });
    languages.push(...languageOption('s', captions));
  }
  options.push('-c:v', 'copy', '-c:a', 'copy', '-c:s', 'mov_text', ...languages);
  options.push('-movflags', '+faststart', '-f', 'mp4');
  return { inputs, outputs: [{ path: output, options }] };
}

function languageOption(type: 'a' | 's', { language }: MergeTrack): readonly string[] {
  return language === undefined ? [] : [`-metadata:s:${type}:0`, `language=${language}`];
}
