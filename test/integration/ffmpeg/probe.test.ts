import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import { Clips } from '../../support/media.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../../support/toolchains.ts';
import { createTools, h264Aac, makeClip, never, picture, tone } from './media-rig.ts';

/** Films of one second that the shared clips lack: file name → arguments. */
const films: Readonly<Record<string, readonly string[]>> = {
  'film.mp4': [...picture(), ...tone, ...h264Aac, '-metadata:s:a', 'language=deu'],
  'film.mov': [...picture(), ...tone, ...h264Aac],
  'film.avi': [...picture(), ...tone, '-c:v', 'mpeg4', '-c:a', 'ac3'],
  'film.flv': [...picture(), ...tone, ...h264Aac, '-flvflags', 'no_duration_filesize'],
  'film.mpg': [...picture(), ...tone, '-c:v', 'mpeg2video', '-c:a', 'mp2', '-f', 'vob'],
  'sound.aac': [...tone, '-c:a', 'aac'],
  'sound.mp3': [...tone, '-c:a', 'libmp3lame', '-write_xing', '0', '-q:a', '2'],
  'sound.wav': [...tone],
  'sound.ogg': [...tone, '-c:a', 'libvorbis'],
  'cover.m4a': [
    [...tone, ...picture(), '-map', '0:a', '-map', '1:v', '-frames:v', '1', '-c:a', 'aac'],
    ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-disposition:v', 'attached_pic'],
  ].flat(),
  'second.mkv': [
    [...picture(), ...tone, '-map', '0:v', '-map', '1:a', '-map', '1:a', '-c:v', 'libx264'],
    ['-preset', 'ultrafast', '-c:a:0', 'dca', '-strict', '-2', '-ar', '48000', '-c:a:1', 'aac'],
  ].flat(),
};

let directory: TempDirectory;
let clips: Clips;

beforeAll(async () => {
  directory = await createTempDirectory();
  const judge = await anyToolchain();
  clips = new Clips(judge.ffmpeg.path, directory.path);
  for (const [name, args] of Object.entries(films)) {
    await makeClip(judge, join(directory.path, name), args);
  }
});

afterAll(() => directory[Symbol.asyncDispose]());

/** How far a length may be from the second that it should be: a frame of each codec. */
function expectSecond(durationSec: number | undefined): void {
  expect(Math.abs((durationSec ?? 0) - 1)).toBeLessThan(0.09);
}

describeWithToolchains(await toolchainsUnderTest(), (toolchain) => {
  async function probed(path: string): Promise<MediaProbe> {
    const result = await createTools(toolchain).probe(path, never);
    if (!result.ok) throw new Error(`${result.error.code} ${result.error.operatorDetail ?? ''}`);
    return result.value;
  }

  describe('a probe', () => {
    test('tells all of an MP4 film', async () => {
      const probe = await probed(join(directory.path, 'film.mp4'));
      expect(probe).toMatchObject({
        formatName: 'mov,mp4,m4a,3gp,3g2,mj2',
        video: {
          index: 0,
          codec: 'h264',
          codedWidth: 320,
          codedHeight: 180,
          displayWidth: 320,
          displayHeight: 180,
          rotationDegrees: 0,
          sampleAspectRatio: 1,
          pixelFormat: 'yuv420p',
          framesPerSecond: 25,
          isInterlaced: false,
          durationSec: 1,
        },
        audio: { index: 1, codec: 'aac', channels: 1, sampleRateHz: 44_100, language: 'deu' },
      });
      expect(probe.bytes).toBeGreaterThan(1000);
      expectSecond(probe.audio?.durationSec);
    });

    test('tells the size of a film as it is seen: turned, and with square pixels', async () => {
      expect((await probed(await clips.get('portrait'))).video).toMatchObject({
        codedWidth: 320,
        codedHeight: 180,
        displayWidth: 180,
        displayHeight: 320,
        rotationDegrees: 90,
      });
      expect((await probed(await clips.get('anamorphic'))).video).toMatchObject({
        codedWidth: 180,
        displayWidth: 256,
        displayHeight: 144,
      });
    });

    test.each(['film.mov', 'film.avi', 'film.flv', 'film.mpg'])(
      'finds picture, sound and their length in %s, whatever it declares',
      async (name) => {
        const probe = await probed(join(directory.path, name));
        expectSecond(probe.video?.durationSec);
        expectSecond(probe.audio?.durationSec);
      },
    );

    test.each(['tagged', 'webm', 'sync', 'syncStream'] as const)(
      'finds picture and sound of "%s"',
      async (clip) => {
        const probe = await probed(await clips.get(clip));
        expect(probe.video?.durationSec).toBeGreaterThan(0.9);
        expect(probe.audio?.durationSec).toBeGreaterThan(0.9);
      },
    );

    test('tells interlaced broadcasts, and the length of moving pictures', async () => {
      expect((await probed(await clips.get('interlaced'))).video?.isInterlaced).toBe(true);
      const { video, audio } = await probed(await clips.get('gif'));
      expectSecond(video?.durationSec);
      expect(audio).toBeUndefined();
    });

    test.each(['sound.aac', 'sound.mp3', 'sound.wav', 'sound.ogg', 'cover.m4a'])(
      'finds sound alone, and its length, in %s',
      async (name) => {
        const probe = await probed(join(directory.path, name));
        expect(probe.video).toBeUndefined();
        expectSecond(probe.audio?.durationSec);
      },
    );

    test('takes the second sound track where the first one can’t be decoded', async () => {
      const { audio } = await probed(join(directory.path, 'second.mkv'));
      expect(audio).toMatchObject({ index: 2, codec: 'aac' });
    });
  });
});
