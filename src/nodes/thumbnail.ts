import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { required } from '../base/assert.ts';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { FfmpegCommand } from '../ffmpeg/command.ts';
import type { MediaTools } from '../ffmpeg/media-tools.ts';
import type { MediaProbe, VideoTrack } from '../graph/media-probe.ts';
import type { Estimate } from '../resources/demand.ts';
import { colorCodingOf } from './color.ts';
import { codedPixels, decodeCoreSecPerPixel, spawnCoreSec, videoOf } from './cost.ts';
import { fitLongSide } from './geometry.ts';
import { noStreamMetadata } from './metadata.ts';
import type { NodeAttempt, NodeKind } from './node-kind.ts';
import { compareScores, isTelling, scorePicture } from './picture-score.ts';
import type { PictureScore } from './picture-score.ts';
import { runControl } from './run-control.ts';
import { hdrTransferOf, toneMapFilters, writeToneMap } from './tone-map.ts';

const paramsSchema = z.strictObject({
  widthMax: z
    .int()
    .min(16)
    .max(8192)
    .default(1280)
    .describe(
      'Longest side of the picture in pixels, 16–8192; a smaller source is never enlarged.',
    ),
});

/** Parameters of `thumbnail`. */
export type ThumbnailParams = z.infer<typeof paramsSchema>;

const pictureName = 'thumbnail.jpg';

/** Where to look for a picture, as shares of the film, until one shows something. */
const positions = [0.25, 0.5, 0.1, 0.75, 0] as const;

/** How much film one look takes: the frames compared, and the most seconds they may span. */
const windowFrames = 24;
const windowSec = 2;

/** Side of the small gray picture that is scored, in pixels: enough to tell black from a scene. */
const lumaSide = 32;

/**
 * Takes a picture that stands for the film. It looks at a short stretch of film, takes the frame
 * nearest to the average there, and looks elsewhere when that one is black or empty. Most films
 * take one look; a film that is black throughout gives its least black picture.
 */
export function thumbnail(tools: MediaTools): NodeKind<ThumbnailParams> {
  return {
    name: 'thumbnail',
    version: 2,
    summary: 'Takes a still picture that stands for the film, never a black one if it can help it.',
    params: paramsSchema,
    inputs: [{ role: 'source', take: 'one' }],
    outputs: () => [{ name: pictureName, role: 'image', mediaType: 'image/jpeg', product: true }],
    estimate: (_params, media) => estimateThumbnail(media),
    resultVersion: () => tools.versions?.programs,
    async run(attempt) {
      const video = required(attempt.media?.video, 'the video track');
      await writeToneMap(video, attempt.outputDirectory);
      const found = await findPicture(tools, attempt);
      if (!found.ok) return found;
      const output = join(attempt.outputDirectory, pictureName);
      await rename(found.value.picture, output);
      const size = fitLongSide(video, attempt.params.widthMax);
      const facts = await tools.verify(output, { streams: ['video'], size }, attempt.signal);
      return facts.ok ? ok({ files: [{ name: pictureName }] }) : facts;
    },
  };
}

/** A picture that one look gave. */
interface Candidate {
  /** Path of its JPEG file. */
  readonly picture: string;
  readonly score: PictureScore;
}

/** Looks at one position after the other; keeps the best picture, and stops at a telling one. */
async function findPicture(
  tools: MediaTools,
  attempt: NodeAttempt<ThumbnailParams>,
): Promise<Result<Candidate, Failure>> {
  let best: Candidate | undefined;
  let lastFailure = failure('corrupt', 'No picture of the video could be decoded.');
  for (const [index, position] of positions.entries()) {
    attempt.onProgress(index / positions.length);
    const look = await lookAt(tools, attempt, position);
    if (!look.ok && !isFaultOfPlace(look.error)) return look;
    if (!look.ok) lastFailure = look.error;
    const candidate = look.ok ? look.value : undefined;
    if (candidate === undefined) continue;
    const [kept, dropped] =
      best === undefined || compareScores(candidate.score, best.score) < 0
        ? [candidate, best]
        : [best, candidate];
    if (dropped !== undefined) await rm(dropped.picture);
    best = kept;
    if (isTelling(best.score)) break;
  }
  return best === undefined ? err(lastFailure) : ok(best);
}

/** Whether another place of the film may still give a picture. */
function isFaultOfPlace({ code }: Failure): boolean {
  return code === 'corrupt' || code === 'tool';
}

/** One look; undefined when there is no frame at that place (the film may be shorter than it says). */
async function lookAt(
  tools: MediaTools,
  attempt: NodeAttempt<ThumbnailParams>,
  position: number,
): Promise<Result<Candidate | undefined, Failure>> {
  const { params, inputs, outputDirectory } = attempt;
  const media = required(attempt.media, 'the probe');
  const picture = join(outputDirectory, `look-${position}.jpg`);
  const luma = join(outputDirectory, `look-${position}.gray`);
  const source = required(inputs.one('source'), 'the source').path;
  const command = planLook(params, media, { source, picture, luma, position });
  // Its progress is not the node's: most films take one look, and that one reports nothing.
  const control = { ...runControl(attempt, windowSec), onProgress: () => {} };
  const report = await tools.run(command, control);
  if (!report.ok) return report;
  const bytes = await readFile(luma);
  await rm(luma);
  if (bytes.length !== lumaSide * lumaSide) {
    await rm(picture, { force: true });
    return ok(undefined);
  }
  return ok({ picture, score: scorePicture(bytes) });
}

/** What one look reads and writes. */
export interface LookPaths {
  readonly source: string;
  readonly picture: string;
  /** The small gray version: {@link lumaSide} squared bytes. */
  readonly luma: string;
  /** Where to look, as a share of the film: 0 … 1. */
  readonly position: number;
}

/**
 * Reads a short stretch of film behind a seek, and writes its most representative frame twice: as
 * JPEG, and small and gray to be scored.
 *
 * @param media a probe with a video track.
 */
export function planLook(
  params: ThumbnailParams,
  media: MediaProbe,
  paths: LookPaths,
): FfmpegCommand {
  const video = required(media.video, 'the video track');
  const startSec = video.durationSec * paths.position;
  const seek = startSec === 0 ? [] : ['-ss', startSec.toFixed(3)];
  const oneFrame = ['-frames:v', '1', ...noStreamMetadata];
  return {
    inputs: [{ path: paths.source, options: [...seek, '-t', String(windowSec)] }],
    outputs: [
      {
        path: paths.picture,
        options: [
          ['-filter_complex', planGraph(params, video)],
          ['-map', '[picture]', ...oneFrame],
          // The bare JPEG muxer takes any path; the picture one would look for a number in it.
          ['-c:v', 'mjpeg', '-q:v', '3', '-bitexact', '-f', 'mjpeg'],
        ].flat(),
      },
      {
        path: paths.luma,
        options: ['-map', '[luma]', ...oneFrame, '-c:v', 'rawvideo', '-f', 'rawvideo'],
      },
    ],
  };
}

function planGraph(params: ThumbnailParams, video: VideoTrack): string {
  const { width, height } = fitLongSide(video, params.widthMax);
  const matrix = `in_color_matrix=${colorCodingOf(video).scaleMatrix}`;
  const upright = [
    ...(video.isInterlaced ? ['yadif=0:-1:1'] : []),
    // `thumbnail` compares frames in RGB: smaller ones are compared faster.
    `scale=${width}:${height}:${matrix}`,
    ...(hdrTransferOf(video) === undefined ? [] : toneMapFilters),
    'format=rgb24',
    'setsar=1',
    `thumbnail=${windowFrames}`,
  ].join(',');
  return [
    `[0:${video.index}]${upright},split[large][small]`,
    // JPEG (JFIF) is BT.601 in full range.
    '[large]scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p[picture]',
    `[small]scale=${lumaSide}:${lumaSide},format=gray[luma]`,
  ].join(';');
}

/** Frames decoded to reach a place between keyframes, on average, with the window behind it. */
const framesPerLook = 60;

/** Bytes per pixel of the source while frames are compared (1080p, ffmpeg 5.1: 150 MB in all). */
const bytesPerPixel = 60;

function estimateThumbnail(media: MediaProbe | undefined): Estimate {
  const pixelCount = codedPixels(videoOf(media));
  return {
    demand: {
      coresMin: 1,
      coresMax: 1,
      memoryBytes: Math.round(50 * mebibyte + pixelCount * bytesPerPixel),
      ioSlots: 0,
      gpus: 0,
    },
    // A look or two, and the check of the picture.
    coreSeconds: 3 * spawnCoreSec + framesPerLook * pixelCount * decodeCoreSecPerPixel,
  };
}
