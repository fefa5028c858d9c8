import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Failure } from '../../../src/base/failure.ts';
import { findToolchain } from '../../../src/ffmpeg/toolchain.ts';
import type { Toolchain, ToolchainSearch } from '../../../src/ffmpeg/toolchain.ts';
import { toolchainWarnings } from '../../../src/ffmpeg/toolchain-warnings.ts';
import { createFakeTool } from '../../fakes/fake-ffmpeg.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../../support/toolchains.ts';

let directory: TempDirectory;

beforeAll(async () => {
  directory = await createTempDirectory();
});

afterAll(() => directory[Symbol.asyncDispose]());

async function found(search: ToolchainSearch): Promise<Toolchain> {
  const result = await findToolchain(search);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

async function failureOf(search: ToolchainSearch): Promise<Failure> {
  const result = await findToolchain(search);
  if (result.ok) throw new Error('It was found.');
  return result.error;
}

/** A directory for PATH with a program in it. */
async function directoryWith(name: string, script: string, mode = 0o755): Promise<string> {
  const path = join(directory.path, `${name}-${script.length}-${mode}`);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, name), script);
  await chmod(join(path, name), mode);
  return path;
}

describeWithToolchains(await toolchainsUnderTest(), ({ ffmpeg, ffprobe }) => {
  test('set paths are used before everything else, each for itself', async () => {
    const both = await found({ ffmpegPath: ffmpeg.path, ffprobePath: ffprobe.path });
    expect(both.ffmpeg).toEqual({ ...ffmpeg, origin: 'setting' });
    expect(both.ffprobe).toEqual({ ...ffprobe, origin: 'setting' });
    const one = await found({ ffmpegPath: ffmpeg.path, searchPath: '' });
    expect([one.ffmpeg.origin, one.ffprobe.origin]).toEqual(['setting', 'bundled']);
  });
});

describe('without settings', () => {
  test('the bundled programs serve where PATH has none, and are told as what they are', async () => {
    const toolchain = await found({ searchPath: '' });
    expect([toolchain.ffmpeg.origin, toolchain.ffprobe.origin]).toEqual(['bundled', 'bundled']);
    // The two packages bring builds of different years.
    const { ffmpeg, ffprobe } = toolchain;
    expect(toolchainWarnings(toolchain)).toEqual([
      expect.stringContaining(`The bundled ffmpeg (a build from ${ffmpeg.version.year})`),
      expect.stringContaining(`The bundled ffprobe (a build from ${ffprobe.version.year})`),
    ]);
  });

  test('programs on PATH go before the bundled ones', async () => {
    const { ffmpeg, ffprobe } = await anyToolchain();
    const path = join(directory.path, 'good');
    await mkdir(path);
    for (const [name, tool] of Object.entries({ ffmpeg, ffprobe })) {
      await writeFile(join(path, name), `#!/bin/sh\nexec ${tool.path} "$@"\n`);
      await chmod(join(path, name), 0o755);
    }
    const toolchain = await found({ searchPath: path });
    expect(toolchain.ffmpeg).toEqual({ ...ffmpeg, origin: 'path', path: join(path, 'ffmpeg') });
    expect(toolchain.ffprobe).toEqual({ ...ffprobe, origin: 'path', path: join(path, 'ffprobe') });
  });

  test.each([
    ['is another program', '#!/bin/sh\necho hello\n', 0o755],
    ['does not run', '#!/bin/sh\nexit 1\n', 0o755],
    ['lacks encoders', '#!/bin/sh\necho "ffmpeg version 7.1 Copyright"\n', 0o755],
    ['may not be started', '#!/bin/sh\n', 0o644],
  ] as const)('an ffmpeg on PATH that %s is passed over', async (_, script, mode) => {
    const searchPath = await directoryWith('ffmpeg', script, mode);
    expect((await found({ searchPath })).ffmpeg.origin).toBe('bundled');
  });

  test('a relative entry of PATH is not looked at', async () => {
    expect((await found({ searchPath: '.:bin' })).ffmpeg.origin).toBe('bundled');
  });
});

describe('a set path that can’t be used is a failure that names the setting', () => {
  test('where nothing is there', async () => {
    const { code, message } = await failureOf({ ffmpegPath: '/nowhere/ffmpeg' });
    expect(code).toBe('tool');
    expect(message).toMatch(
      /^The setting FFMPEG_PATH \(--ffmpeg-path\) names \/nowhere\/ffmpeg, which can't be used: it does not run/,
    );
  });

  test('where another program is there', async () => {
    const { message } = await failureOf({ ffprobePath: '/bin/true' });
    expect(message).toMatch(/FFPROBE_PATH .* names \/bin\/true, .*it is not ffprobe\./);
  });

  test('where a directory is there', async () => {
    expect((await failureOf({ ffmpegPath: directory.path })).message).toContain('FFMPEG_PATH');
  });

  test('where an ffmpeg is there that lacks what is needed', async () => {
    const path = await directoryWith('ffmpeg', '#!/bin/sh\necho "ffmpeg version 9.0 x"\n');
    const { message } = await failureOf({ ffmpegPath: join(path, 'ffmpeg') });
    expect(message).toContain('it lacks the encoder libx264');
  });
});

test('programs are asked with the environment that they will work in', async () => {
  const tool = await createFakeTool(directory.path, 'asked', []);
  await failureOf({ ffmpegPath: tool.path, searchPath: '/usr/bin' });
  const [asked] = await tool.invocations();
  expect(asked).toMatchObject({ args: ['-version'], cwd: '/' });
  expect(asked?.env).toEqual({ PATH: '/usr/bin', LANG: 'C.UTF-8', GCONV_PATH: '/dev/null' });
});
