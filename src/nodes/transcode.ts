import { join } from 'node:path';
import { z } from 'zod';
import { required } from '../base/assert.ts';
import { err, ok } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { FfmpegCommand } from '../ffmpeg/command.ts';
import type { MediaTools } from '../ffmpeg/media-tools.ts';
import type { MediaProbe, VideoTrack } from '../graph/media-probe.ts';
import type { Estimate } from '../resources/demand.ts';
import { colorCodingOf, colorOptions, renditionCodingOf } from './color.ts';
import {
  codedPixels,
  decodeCoreSecPerPixel,
  frameCount,
  pixels,
  spawnCoreSec,
  videoOf,
  x264Presets,
} from './cost.ts';
import type { X264Preset } from './cost.ts';
import { fitShortSide } from './geometry.ts';
import { h264Level } from './h264-level.ts';
import { checkLength, explainInvalid, videoLengthBounds } from './length.ts';
import { noStreamMetadata } from './metadata.ts';
import type { NodeKind } from './node-kind.ts';
import { runControl } from './run-control.ts';
import { sharedTimeline } from './shared-timeline.ts';
import { hdrTransferOf, toneMapCoreSecPerPixel, toneMapFilters, writeToneMap } from './tone-map.ts';

const paramsSchema = z.strictObject({
  resolution: z
    .int()
    .min(64)
    .max(4320)
    .multipleOf(2)
    .describe('Short side in pixels at most, 64–4320, even; a smaller source is never enlarged.'),
  crf: z
    .int()
    .min(1)
    .max(51)
    .default(23)
    .describe('Quality (x264 constant rate factor), 1–51; lower is better and larger.'),
  preset: z
    .enum(x264Presets)
    .default('veryfast')
    .describe('How much time x264 takes to make the file smaller.'),
});

/** Parameters of `transcode`. */
export type TranscodeParams = z.infer<typeof paramsSchema>;

/**
 * Makes one rung of the ladder: H.264, 8 bit, square pixels, upright, in the range of every screen, without sound, at most
 * {@link frameRateMax} frames per second. Frames keep their times, and every rung has its keyframes at the same times.
 */
export function transcode(tools: MediaTools): NodeKind<TranscodeParams> {
  return {
    name: 'transcode',
    version: 2,
    summary: 'Encodes the video as H.264 at one resolution, never larger than the source.',
    params: paramsSchema,
    inputs: [{ role: 'source', take: 'one' }],
    outputs: (params) => [
      { name: outputName(params), role: 'video', mediaType: 'video/mp4', product: false },
    ],
    estimate: estimateTranscode,
    resultVersion: () => tools.versions?.programs,
    async run(attempt) {
      const { params, outputDirectory, signal } = attempt;
      const source = required(attempt.inputs.one('source'), 'the source');
      const probe = required(attempt.media, 'the probe');
      const video = required(probe.video, 'the video track');
      const output = join(outputDirectory, outputName(params));
      const command = planTranscode(params, probe, { source: source.path, output });
      await writeToneMap(video, outputDirectory);
      // The longest track's: a video that begins late ends late, too.
      const report = await tools.run(command, runControl(attempt, probe.durationSec));
      if (!report.ok) return report;
      const size = fitShortSide(video, params.resolution);
      const facts = await tools.verify(output, { streams: ['video'], size }, signal);
      if (!facts.ok) return err(explainInvalid(facts.error, report.value));
      const length = checkLength(facts.value.durationSec, videoLengthBounds(video, probe));
      return length.ok ? ok({ files: [{ name: outputName(params) }] }) : length;
    },
  };
}

function outputName({ resolution }: TranscodeParams): string {
  return `${resolution}p.video.mp4`;
}

/** Seconds between keyframes: short enough to seek and to switch rungs, long enough to compress. */
const keyframeIntervalSec = 2;

/**
 * Frames per second that a rendition has at most: no screen shows more. A film that declares more is not
 * refused, as what it declares is an average that is often wrong; frames too close to the last one are
 * left out, so that they cost no encoding. Some recorders give two frames the same time: those, too.
 */
const frameRateMax = 240;

/** Shortest time between two frames in seconds; a little less than that, because times are rounded. */
const frameIntervalSecMin = 1 / (frameRateMax + 1);

/**
 * Most frames between keyframes. Times, not counts, place them; the count only has to stay out of the
 * way, so it is that of the fastest rendition ({@link frameRateMax}) with room to spare.
 */
const keyframeIntervalFramesMax = 600;

/**
 * One rendition from one decode.
 *
 * @param media a probe with a video track.
 */
export function planTranscode(
  params: TranscodeParams,
  media: MediaProbe,
  paths: { readonly source: string; readonly output: string },
): FfmpegCommand {
  const video = required(media.video, 'the video track');
  const size = fitShortSide(video, params.resolution);
  return {
    inputs: [{ path: paths.source, options: [] }],
    alsoRead: sharedTimeline(media),
    outputs: [
      {
        path: paths.output,
        keepsFrameTimes: true,
        options: [
          ['-map', `0:${video.index}`, '-an', ...noStreamMetadata],
          ['-vf', planFilters(params, video)],
          // Steps fine enough for the times of any source's frames.
          ['-enc_time_base', '1/90000'],
          ['-c:v', 'libx264', '-preset', params.preset, '-crf', String(params.crf)],
          ['-profile:v', 'high', '-level:v', h264Level(size, encodedFrameRate(video))],
          ['-force_key_frames', `expr:gte(t,n_forced*${keyframeIntervalSec})`],
          ['-g', String(keyframeIntervalFramesMax), '-sc_threshold', '0'],
          colorOptions(renditionCodingOf(video)),
          ['-movflags', '+faststart', '-f', 'mp4'],
        ].flat(),
      },
    ],
  };
}

/** Frames per second of a rendition, on average. */
function encodedFrameRate({ framesPerSecond }: VideoTrack): number {
  return Math.min(framesPerSecond, frameRateMax);
}

/** ffmpeg turns the picture upright before these filters; the size is that of the upright picture. */
function planFilters(params: TranscodeParams, video: VideoTrack): string {
  const { width, height } = fitShortSide(video, params.resolution);
  const from = `in_color_matrix=${colorCodingOf(video).scaleMatrix}`;
  const to = `out_color_matrix=${renditionCodingOf(video).scaleMatrix}:out_range=tv`;
  const scale = `scale=${width}:${height}`;
  const filters = [
    // Mapped after it was made smaller, when there is less to map.
    ...(hdrTransferOf(video) === undefined
      ? [`${scale}:${from}:${to}`]
      : [`${scale}:${from}`, ...toneMapFilters, `scale=${to}`]),
    'format=yuv420p',
    'setsar=1',
    ...timeFilters(video),
  ];
  // Also true for the first frame and for one without a time: nothing is less than “not a number”.
  const isApart = String.raw`not(lt(t-prev_selected_t\,${frameIntervalSecMin.toFixed(6)}))`;
  return [
    `select=${isApart}`,
    // Only frames that are marked as interlaced are changed.
    ...(video.isInterlaced ? ['yadif=0:-1:1'] : []),
    ...filters,
  ].join(',');
}

/**
 * A video that begins after the sound shows its first frame until then: every file of the job begins at
 * zero, so the tracks are in sync without knowing of each other. A still is shown twice: some builds
 * write no duration for the last frame, and a film whose only frame lasts no time shows nothing.
 */
function timeFilters({ framesPerSecond, durationSec }: VideoTrack): readonly string[] {
  const isStill = framesPerSecond * durationSec < 1.5;
  return isStill
    ? ['loop=loop=1:size=1:start=0', `setpts=N/(${framesPerSecond}*TB)`]
    : [String.raw`setpts=if(eq(N\,0)\,0\,PTS)`];
}

/**
 * What a preset costs: CPU seconds and bytes of memory per encoded pixel. Seconds of veryfast and
 * medium are those of real film; the rest is scaled by their ratios on a test pattern, where memory
 * was measured too (1080p, ffmpeg 5.1, 4 threads).
 */
const encodeCost: Readonly<Record<X264Preset, { coreSec: number; bytes: number }>> = {
  ultrafast: { coreSec: 6e-9, bytes: 40 },
  superfast: { coreSec: 12e-9, bytes: 90 },
  veryfast: { coreSec: 15e-9, bytes: 120 },
  faster: { coreSec: 23e-9, bytes: 150 },
  fast: { coreSec: 29e-9, bytes: 180 },
  medium: { coreSec: 37e-9, bytes: 215 },
  slow: { coreSec: 56e-9, bytes: 250 },
  slower: { coreSec: 100e-9, bytes: 305 },
  veryslow: { coreSec: 190e-9, bytes: 420 },
};

/** Bytes that ffmpeg holds without any picture, and per pixel of the source for decoding. */
const bytesBase = 50 * mebibyte;
const decodeBytesPerPixel = 30;

/** x264 gains little from a thread for fewer rows than these: each waits for the one above it. */
const rowsPerThread = 60;

function estimateTranscode(params: TranscodeParams, media: MediaProbe | undefined): Estimate {
  const video = videoOf(media);
  const size = fitShortSide(video, params.resolution);
  const encode = encodeCost[params.preset];
  const encodedShare = encodedFrameRate(video) / video.framesPerSecond;
  const mapCoreSec = hdrTransferOf(video) === undefined ? 0 : toneMapCoreSecPerPixel;
  const perPixel = (mapCoreSec + encode.coreSec) * encodedShare;
  const perFrame = codedPixels(video) * decodeCoreSecPerPixel + pixels(size) * perPixel;
  return {
    demand: {
      coresMin: 1,
      coresMax: Math.max(1, Math.round(size.height / rowsPerThread)),
      memoryBytes: Math.round(
        bytesBase + codedPixels(video) * decodeBytesPerPixel + pixels(size) * encode.bytes,
      ),
      ioSlots: 0,
      gpus: 0,
    },
    // The run and its check.
    coreSeconds: 2 * spawnCoreSec + frameCount(video) * perFrame,
  };
}
