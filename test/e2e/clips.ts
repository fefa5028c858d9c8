import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { path as ffmpegPath } from '@ffmpeg-installer/ffmpeg';
import { path as ffprobePath } from '@ffprobe-installer/ffprobe';
import { z } from 'zod';
import { turnPicture } from '../support/media.ts';
import { root } from './service-process.ts';

const run = promisify(execFile);

/** The recording of the sample clip: 16 kHz mono, 10.8 s. */
export const speechPath = join(root, 'fixtures', 'speech-model', 'sample.wav');

/** A moving test picture of two seconds. */
function picture(size: string): readonly string[] {
  return ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=2`];
}

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

/** Makes a clip with the bundled ffmpeg, which is there on every machine; gives its path. */
async function make(path: string, args: readonly string[]): Promise<string> {
  await run(ffmpegPath, ['-v', 'error', '-nostdin', '-y', ...args, path]);
  return path;
}

/** 640×360 with speech: ten seconds of picture and sound. */
export function makeSmallClip(directory: string): Promise<string> {
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25:duration=10.5'];
  const args = [...source, '-i', speechPath, ...h264, '-c:a', 'aac', '-shortest'];
  return make(join(directory, 'small.mp4'), args);
}

/** A phone held upright: 640×360 stored, 360×640 shown. The left half of the stored picture is red. */
export async function makePortraitClip(directory: string): Promise<string> {
  const halves =
    'color=red:size=320x360:rate=25:duration=2[l];color=blue:size=320x360:rate=25:duration=2[r];[l][r]hstack[v]';
  const args = ['-filter_complex', halves, '-map', '[v]', ...h264];
  const path = await make(join(directory, 'portrait.mp4'), args);
  await turnPicture(path, 90);
  return path;
}

/** Two seconds without any sound. */
export function makeSilentClip(directory: string): Promise<string> {
  return make(join(directory, 'silent.mp4'), [...picture('640x360'), ...h264]);
}

/** The recording as an audio file. */
export function makeRecording(directory: string): Promise<string> {
  return make(join(directory, 'recording.m4a'), ['-i', speechPath, '-c:a', 'aac']);
}

/** What a player would find in a file. */
export interface ClipFacts {
  readonly streams: readonly string[];
  readonly width: number | undefined;
  readonly height: number | undefined;
}

const probeSchema = z.object({
  streams: z.array(
    z.object({
      codec_type: z.string(),
      width: z.number().optional(),
      height: z.number().optional(),
    }),
  ),
});

/** Probes a file with the bundled ffprobe, independently of the service. */
export async function probe(path: string): Promise<ClipFacts> {
  const args = ['-v', 'error', '-show_streams', '-of', 'json', path];
  const { stdout } = await run(ffprobePath, args);
  const { streams } = probeSchema.parse(JSON.parse(stdout));
  const video = streams.find((stream) => stream.codec_type === 'video');
  return {
    streams: streams.map((stream) => stream.codec_type),
    width: video?.width,
    height: video?.height,
  };
}

/** The color of one pixel of a film's first frame, as red, green and blue, 0…255. */
export async function pixelAt(
  path: string,
  place: { readonly x: number; readonly y: number },
): Promise<readonly number[]> {
  const filter = `crop=2:2:${place.x}:${place.y},format=rgb24`;
  const args = ['-v', 'error', '-i', path, '-vf', filter, '-frames:v', '1', '-f', 'rawvideo', '-'];
  const { stdout } = await run(ffmpegPath, args, { encoding: 'buffer' });
  return [...stdout.subarray(0, 3)];
}
