import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MediaLimits } from '../../../src/ffmpeg/limits.ts';
import type { Toolchain } from '../../../src/ffmpeg/toolchain.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../../support/toolchains.ts';
import {
  codeOf,
  controlOf,
  createTools,
  h264Aac,
  limits,
  makeClip,
  never,
  picture,
  tone,
} from './media-rig.ts';

/** Somebody else's film, beside the upload: what a playlist is after. */
const other = 'other.ts';

/** Texts that make ffmpeg open another file, or itself, when it reads them as media. */
const playlists: Readonly<Record<string, string>> = {
  'an HLS playlist': `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${other}\n#EXT-X-ENDLIST\n`,
  'an HLS playlist of itself': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nupload\n',
  'an HLS playlist without an end': `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${other}\n`,
  'a DASH manifest': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>film.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
  'a DASH manifest behind a comment': `<!-- x --><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>film.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
  'an ffconcat script': `ffconcat version 1.0\nfile ${other}\n`,
  'a session description': 'v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n',
  'a session description without its first line':
    'x=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
  'a drawing':
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="film.mp4"/></svg>',
  'a drawing behind a comment':
    '<!-- x --><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
  'a text': 'Dear service, please make a film of this.\n'.repeat(100),
};

/** Milliseconds in which a refusal is due, on a busy machine: no child waits for anything. */
const refusalMsMax = 10_000;

let directory: TempDirectory;
let judge: Toolchain;

beforeAll(async () => {
  directory = await createTempDirectory();
  judge = await anyToolchain();
  const film = [...picture(), ...tone, ...h264Aac];
  await makeClip(judge, join(directory.path, other), film);
  await makeClip(judge, join(directory.path, 'film.mp4'), film);
  await makeClip(judge, join(directory.path, 'film.mkv'), film);
});

afterAll(() => directory[Symbol.asyncDispose]());

function at(name: string): string {
  return join(directory.path, name);
}

async function upload(content: Buffer | string): Promise<string> {
  await writeFile(at('upload'), content);
  return at('upload');
}

function make(name: string, args: readonly string[]): Promise<string> {
  return makeClip(judge, at(name), args);
}

/** Bytes without any order, the same in every run. */
function noise(bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, index) =>
    createHash('sha256').update(`noise ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, bytes);
}

describeWithToolchains(await toolchainsUnderTest(), (toolchain) => {
  async function refusalOf(path: string, changes: Partial<MediaLimits> = {}): Promise<string> {
    const tools = createTools(toolchain, { limits: { ...limits, ...changes } });
    return codeOf(await tools.probe(path, never));
  }

  test('the plain program follows a playlist, so there is something to refuse', async () => {
    const path = await upload(playlists['an HLS playlist'] ?? '');
    const args = ['-v', 'error', '-i', path, '-c', 'copy', '-f', 'null', '-'];
    const env = { PATH: toolchain.searchPath, GCONV_PATH: '/dev/null' };
    await expect(promisify(execFile)(toolchain.ffmpeg.path, args, { env })).resolves.toBeDefined();
  });

  describe.each(Object.entries(playlists))('%s', (_, content) => {
    test('is refused as a foreign format, at once', { timeout: refusalMsMax }, async () => {
      expect(await refusalOf(await upload(content))).toBe('unsupported_format');
    });

    test('is not encoded either, whoever asks for it', { timeout: refusalMsMax }, async () => {
      const source = await upload(content);
      const result = await createTools(toolchain).run(
        {
          inputs: [{ path: source, options: [] }],
          outputs: [{ path: at('made.mkv'), options: ['-c', 'copy', '-f', 'matroska'] }],
        },
        controlOf(),
      );
      expect(result.ok).toBe(false);
      expect(await readdir(directory.path)).not.toContain('made.mkv');
    });
  });

  describe('an upload', () => {
    test('of nothing is empty', async () => {
      expect(await refusalOf(await upload(''))).toBe('empty');
    });

    test('of bytes without any order is of a foreign format', async () => {
      expect(await refusalOf(await upload(noise(100_000)))).toBe('unsupported_format');
    });

    test('of half an MP4 is truncated, wherever its header is', async () => {
      const film = await readFile(at('film.mp4'));
      expect(await refusalOf(await upload(film.subarray(0, film.length / 2)))).toBe('truncated');
      const fast = await readFile(
        await make('fast.mp4', [...picture(), ...h264Aac, '-movflags', '+faststart']),
      );
      expect(await refusalOf(await upload(fast.subarray(0, fast.length / 2)))).toBe('truncated');
    });

    test('with noise behind its first bytes is corrupt, or taken for a cut one', async () => {
      const film = await readFile(at('film.mkv'));
      const spoiled = Buffer.concat([film.subarray(0, 40), noise(10_000)]);
      // Its header promises more than is there to be read, which a cut looks like as well.
      expect(['corrupt', 'truncated']).toContain(await refusalOf(await upload(spoiled)));
    });

    test('with encrypted tracks is encrypted', async () => {
      const key = ['-encryption_key', '0'.repeat(32), '-encryption_kid', '1'.repeat(32)];
      const scheme = ['-encryption_scheme', 'cenc-aes-ctr'];
      const path = await make('secret.mp4', [...picture(), ...h264Aac, ...scheme, ...key]);
      expect(await refusalOf(path)).toBe('encrypted');
    });

    test('in a codec off the list is told so, by its name', async () => {
      const path = await make('animation.mov', [...picture(), '-c:v', 'qtrle']);
      const result = await createTools(toolchain).probe(path, never);
      expect(codeOf(result)).toBe('unsupported_codec');
      expect(result.ok ? '' : result.error.message).toContain('"qtrle"');
    });

    test('of a picture or of subtitles alone is of a foreign format', async () => {
      const image = await make('image.png', [...picture(), '-frames:v', '1']);
      expect(await refusalOf(image)).toBe('unsupported_format');
      await writeFile(at('text.srt'), '1\n00:00:00,000 --> 00:00:01,000\nhello\n');
      const text = await make('text.mkv', ['-i', at('text.srt')]);
      expect(await refusalOf(text)).toBe('unsupported_format');
    });

    test('with more than 64 tracks has too many', async () => {
      const tracks = Array.from({ length: 65 }, () => ['-map', '0:a']).flat();
      const path = await make('tracks.mkv', [...tone, ...tracks, '-c:a', 'pcm_s16le', '-t', '0.1']);
      expect(await refusalOf(path)).toBe('limit_streams');
    });

    test('with too large a picture is told so before the picture is decoded', async () => {
      const huge = ['-f', 'lavfi', '-i', 'color=s=7000x6000:r=1:d=1'];
      const path = await make('huge.avi', [...huge, '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p']);
      expect(await refusalOf(path)).toBe('limit_pixels');
    });

    test('that is too long is told so', async () => {
      expect(await refusalOf(at('film.mp4'), { durationSecMax: 0.5 })).toBe('limit_duration');
    });

    test('that became a link or a pipe is not followed and not waited for', async () => {
      await symlink(at('film.mp4'), at('link')).catch(() => {});
      expect(await refusalOf(at('link'))).toBe('storage');
      await promisify(execFile)('mkfifo', ['-m', '600', at('pipe')]).catch(() => {});
      expect(await refusalOf(at('pipe'))).toBe('unsupported_format');
    });

    test('whose probe was cancelled is not probed', async () => {
      const cancelled = AbortSignal.abort();
      expect(codeOf(await createTools(toolchain).probe(at('film.mp4'), cancelled))).toBe(
        'cancelled',
      );
    });

    test('that is fine is taken, also when its last frames are missing', async () => {
      expect(await refusalOf(at('film.mp4'))).toBe('ok');
      const film = await readFile(at('film.mkv'));
      const path = await upload(film);
      await truncate(path, Math.round(film.length * 0.97));
      expect(await refusalOf(path)).toBe('ok');
    });
  });
});
