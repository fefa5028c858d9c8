import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OutputExpectation } from '../../../src/ffmpeg/media-tools.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../../support/toolchains.ts';
import { codeOf, createTools, h264Aac, makeClip, never, picture, tone } from './media-rig.ts';

let directory: TempDirectory;

beforeAll(async () => {
  directory = await createTempDirectory();
  const judge = await anyToolchain();
  const film = [...picture(), ...tone, ...h264Aac, '-movflags', '+faststart'];
  await makeClip(judge, at('film.mp4'), film);
  await makeClip(judge, at('sound.wav'), tone);
  for (const name of ['film.mp4', 'sound.wav']) {
    const bytes = await readFile(at(name));
    await writeFile(at(`half-${name}`), bytes.subarray(0, Math.floor(bytes.length / 2)));
  }
  await writeFile(at('empty.mp4'), '');
  await writeFile(at('text.mp4'), 'no film at all');
});

afterAll(() => directory[Symbol.asyncDispose]());

function at(name: string): string {
  return join(directory.path, name);
}

const film: OutputExpectation = {
  streams: ['video', 'audio'],
  duration: { seconds: 1, toleranceSec: 0.1 },
  size: { width: 320, height: 180 },
};

describeWithToolchains(await toolchainsUnderTest(), (toolchain) => {
  const tools = createTools(toolchain);

  async function problemOf(name: string, expected: OutputExpectation): Promise<string> {
    const result = await tools.verify(at(name), expected, never);
    if (result.ok) return 'none';
    expect(result.error.code).toBe('invalid_output');
    return result.error.message;
  }

  describe('an output', () => {
    test('that is as expected is told with its length and size', async () => {
      const result = await tools.verify(at('film.mp4'), film, never);
      expect(result).toMatchObject({ ok: true, value: { width: 320, height: 180 } });
      expect(Math.abs((result.ok ? result.value.durationSec : 0) - 1)).toBeLessThan(0.05);
    });

    test.each([
      ['empty.mp4', film, 'It is empty.'],
      ['absent.mp4', film, 'It is not there.'],
      ['text.mp4', film, 'It can’t be read.'],
      ['half-film.mp4', film, 'Its end is missing.'],
      ['half-sound.wav', { streams: ['audio'] }, 'Its end is missing.'],
      ['sound.wav', film, 'It holds audio instead of video, audio.'],
      ['film.mp4', { streams: ['video'] }, 'It holds video, audio instead of video.'],
      [
        'film.mp4',
        { ...film, duration: { seconds: 2, toleranceSec: 0.1 } },
        /It lasts 1\.0\d s instead of 2\.00 s\./,
      ],
      [
        'film.mp4',
        { ...film, size: { width: 640, height: 360 } },
        'Its picture is 320×180 instead of 640×360.',
      ],
    ] as const)('%s with %j is invalid: %s', async (name, expected, problem) => {
      expect(await problemOf(name, expected)).toMatch(problem);
    });

    test('is not looked at for a cancelled node', async () => {
      expect(codeOf(await tools.verify(at('film.mp4'), film, AbortSignal.abort()))).toBe(
        'cancelled',
      );
    });
  });
});
