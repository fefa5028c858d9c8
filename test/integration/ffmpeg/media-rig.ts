import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../../src/base/clock.ts';
import type { Failure } from '../../../src/base/failure.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Result } from '../../../src/base/result.ts';
import type { MediaTools, RunControl } from '../../../src/ffmpeg/media-tools.ts';
import type { Toolchain } from '../../../src/ffmpeg/toolchain.ts';
import { createMediaTools } from '../../../src/ffmpeg/tools.ts';
import type { MediaToolsParts } from '../../../src/ffmpeg/tools.ts';

/** Limits of the service's default settings. */
export const limits = { pixelsMax: 36_000_000, durationSecMax: 14_400, streamsMax: 64 };

/** A signal that is never aborted. */
export const never = new AbortController().signal;

/** Media tools over a toolchain, with what the test wants otherwise. */
export function createTools(
  toolchain: Toolchain,
  changes: Partial<MediaToolsParts> = {},
): MediaTools {
  return createMediaTools({
    toolchain,
    limits,
    logger: silentLogger,
    clock: systemClock,
    ...changes,
  });
}

/** Control of a run on one thread, with what the test wants otherwise. */
export function controlOf(changes: Partial<RunControl> = {}): RunControl {
  return { signal: never, threads: 1, durationSec: 1, onProgress: () => {}, ...changes };
}

/** Makes a file with plain ffmpeg: `args` go between the global options and the output. */
export async function makeClip(
  toolchain: Toolchain,
  path: string,
  args: readonly string[],
): Promise<string> {
  await promisify(execFile)(toolchain.ffmpeg.path, ['-v', 'error', '-y', ...args, path]);
  return path;
}

/** The code of a result's failure; `ok` where there is none. */
export function codeOf(result: Result<unknown, Failure>): string {
  return result.ok ? 'ok' : result.error.code;
}

/** Arguments for a test picture as an input, 1 s long. */
export function picture(size = '320x180', rate = 25): readonly string[] {
  return ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=1`];
}

/** Arguments for a tone as an input, 1 s long. */
export const tone: readonly string[] = ['-f', 'lavfi', '-i', 'sine=duration=1'];

/** Arguments for H.264 with AAC, fast. */
export const h264Aac: readonly string[] = [
  ...'-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac'.split(' '),
];

/** Makes an MP4 of a test picture with a tone. */
export function makeFilm(toolchain: Toolchain, directory: string, size?: string): Promise<string> {
  return makeClip(toolchain, join(directory, 'film.mp4'), [...picture(size), ...tone, ...h264Aac]);
}
