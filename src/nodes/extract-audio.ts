import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { required } from '../base/assert.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { FfmpegCommand } from '../ffmpeg/command.ts';
import type { MediaTools } from '../ffmpeg/media-tools.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import { assumedAudio } from './assumed-media.ts';
import { spawnCoreSec } from './cost.ts';
import { checkLength, explainInvalid, lengthBounds } from './length.ts';
import { noStreamMetadata } from './metadata.ts';
import type { NodeAttempt, NodeKind } from './node-kind.ts';
import { isSilent } from './recording-level.ts';
import { runControl } from './run-control.ts';
import { sharedTimeline } from './shared-timeline.ts';

const paramsSchema = z.strictObject({
  bitrateBps: z
    .int()
    .min(32_000)
    .max(320_000)
    .default(128_000)
    .describe('Bits per second of a stereo track, 32000–320000; a mono track gets half.'),
});

/** Parameters of `extract-audio`. */
export type ExtractAudioParams = z.infer<typeof paramsSchema>;

const audioName = 'audio.m4a';
const speechName = 'speech.wav';

/** Sampling rate of the audio that is delivered, and of what speech models were trained on. */
const audioRateHz = 48_000;
const speechRateHz = 16_000;

/**
 * CPU seconds per second of stereo sound: decode AAC, encode AAC, resample twice (2 min: 1.65 s,
 * ffmpeg 5.1).
 */
const coreSecPerSecond = 0.014;

/**
 * Makes both sound files from one decode: the whole track as AAC, and 16 kHz mono for a recognizer.
 * Both begin at the film's own beginning, so they stay in sync with the video.
 */
export function extractAudio(tools: MediaTools): NodeKind<ExtractAudioParams> {
  return {
    name: 'extract-audio',
    version: 2,
    summary: 'Makes the sound track: AAC for listeners, 16 kHz mono for speech recognition.',
    params: paramsSchema,
    inputs: [{ role: 'source', take: 'one' }],
    outputs: () => [
      { name: audioName, role: 'audio', mediaType: 'audio/mp4', product: true },
      { name: speechName, role: 'speech', mediaType: 'audio/wav', product: false },
    ],
    estimate: (_params, media) => {
      const audio = media?.audio ?? assumedAudio;
      const channelFactor = Math.max(1, audio.channels / 2);
      return {
        demand: { coresMin: 1, coresMax: 1, memoryBytes: 128 * mebibyte, ioSlots: 0, gpus: 0 },
        // The run, and the check of each file.
        coreSeconds: 3 * spawnCoreSec + coreSecPerSecond * channelFactor * audio.durationSec,
      };
    },
    resultVersion: () => tools.versions?.programs,
    async run(attempt) {
      const { params, outputDirectory } = attempt;
      const source = required(attempt.inputs.one('source'), 'the source');
      const probe = required(attempt.media, 'the probe');
      const command = planExtractAudio(params, probe, { source: source.path, outputDirectory });
      const report = await tools.run(command, runControl(attempt, probe.durationSec));
      if (!report.ok) return report;
      for (const { path } of command.outputs) {
        const checked = await checkTrack(tools, attempt, path);
        if (!checked.ok) return err(explainInvalid(checked.error, report.value));
      }
      const rescued = await rescueSpeech(tools, attempt);
      if (!rescued.ok) return rescued;
      return ok({ files: [{ name: audioName }, { name: speechName }] });
    },
  };
}

/** Checks a file that was made: one track of sound, as long as the source's. */
async function checkTrack(
  tools: MediaTools,
  { media, signal }: NodeAttempt<ExtractAudioParams>,
  path: string,
): Promise<Result<void, Failure>> {
  const probe = required(media, 'the probe');
  const bounds = lengthBounds(required(probe.audio, 'the audio track').durationSec, probe);
  const facts = await tools.verify(path, { streams: ['audio'] }, signal);
  return facts.ok ? checkLength(facts.value.durationSec, bounds) : facts;
}

/**
 * Two channels of opposite signs, as a wrongly soldered cable gives them, cancel each other out in mono:
 * the recognizer would hear nothing. Where that is so, it gets their difference.
 */
async function rescueSpeech(
  tools: MediaTools,
  attempt: NodeAttempt<ExtractAudioParams>,
): Promise<Result<void, Failure>> {
  const media = required(attempt.media, 'the probe');
  const speech = join(attempt.outputDirectory, speechName);
  if (media.audio?.channels !== 2 || !(await isSilent(speech))) return ok(undefined);
  const source = required(attempt.inputs.one('source'), 'the source').path;
  const difference = join(attempt.outputDirectory, `difference-${speechName}`);
  // The progress of the node has been told already.
  const control = { ...runControl(attempt, media.durationSec), onProgress: () => {} };
  const report = await tools.run(planDifference(media, { source, output: difference }), control);
  if (!report.ok) return report;
  const checked = await checkTrack(tools, attempt, difference);
  if (checked.ok && !(await isSilent(difference))) await rename(difference, speech);
  return checked;
}

/**
 * What two channels do not have in common, for a recognizer.
 *
 * @param media a probe with an audio track of two channels.
 */
export function planDifference(
  media: MediaProbe,
  paths: { readonly source: string; readonly output: string },
): FfmpegCommand {
  const { index } = required(media.audio, 'the audio track');
  const filters = `${fromZero(speechRateHz)},pan=mono|c0=0.5*c0-0.5*c1`;
  return {
    inputs: [{ path: paths.source, options: [] }],
    alsoRead: sharedTimeline(media),
    outputs: [
      {
        path: paths.output,
        options: ['-map', `0:${index}`, ...noStreamMetadata, '-af', filters, ...speechCoding],
      },
    ],
  };
}

/**
 * One run, one decode, two encodes.
 *
 * @param media a probe with an audio track.
 */
export function planExtractAudio(
  params: ExtractAudioParams,
  media: MediaProbe,
  paths: { readonly source: string; readonly outputDirectory: string },
): FfmpegCommand {
  const { index, channels } = required(media.audio, 'the audio track');
  const channelsOut = Math.min(2, channels);
  const downmix = channels > 2 ? stereoDownmix : '';
  const track = ['-map', `0:${index}`, ...noStreamMetadata];
  return {
    inputs: [{ path: paths.source, options: [] }],
    alsoRead: sharedTimeline(media),
    outputs: [
      {
        path: join(paths.outputDirectory, audioName),
        options: [
          track,
          ['-af', `${fromZero(audioRateHz)}${downmix}`, '-ac', String(channelsOut)],
          ['-c:a', 'aac', '-b:a', String((params.bitrateBps * channelsOut) / 2)],
          ['-movflags', '+faststart', '-f', 'ipod'],
        ].flat(),
      },
      {
        path: join(paths.outputDirectory, speechName),
        options: [
          track,
          ['-af', `${fromZero(speechRateHz)}${downmix}`, '-ac', '1', ...speechCoding],
        ].flat(),
      },
    ],
  };
}

/** The plain WAV file that recognizers read. */
const speechCoding: readonly string[] = [
  ['-c:a', 'pcm_s16le'],
  // Without it the encoder's name comes between the WAV header and the samples.
  ['-bitexact', '-f', 'wav'],
].flat();

/**
 * Surround sound becomes stereo: the centre, where people speak, at −3 dB in each ear (ITU-R BS.775).
 * In floating point nothing is made quieter to leave room for the loudest that could be; what is
 * too loud in the end goes through a limiter, which takes a millisecond.
 */
const stereoDownmix =
  ',aformat=sample_fmts=fltp:channel_layouts=stereo,alimiter=level=0:attack=1:limit=0.95';

/**
 * Resamples; a track that begins after the film does gets silence before it, and gaps in its
 * timestamps are filled, so that sample n always is n / rate seconds into the film.
 */
function fromZero(rateHz: number): string {
  return `aresample=${rateHz}:async=1:first_pts=0`;
}
