import { link, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { Toolchain } from '../../../src/ffmpeg/toolchain.ts';
import { createStarter } from '../../../src/processes/create-starter.ts';
import type { ProcessStarter } from '../../../src/processes/process-starter.ts';
import { runTool } from '../../../src/processes/tool-run.ts';
import { wideLimits } from '../../fakes/wide-limits.ts';
import { compileLauncher } from '../../support/starters.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { describeWithToolchains, toolchainsUnderTest } from '../../support/toolchains.ts';
import { codeOf, controlOf, createTools, makeFilm, never } from './media-rig.ts';

const launcherPath = await compileLauncher();
const toolchains = await toolchainsUnderTest();

/** An attempt's directory, and beside it the film of another job, which is the secret. */
async function createJobs(toolchain: Toolchain) {
  const temporary = await createTempDirectory();
  const [own, other] = [join(temporary.path, 'own'), join(temporary.path, 'other')];
  await Promise.all([mkdir(own), mkdir(other)]);
  const secret = await makeFilm(toolchain, other);
  return { own, other, secret, [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose]() };
}

/** Runs ffmpeg without any of the safe input flags: only the sandbox stands in its way. */
function runBare(
  { toolchain, starter }: { toolchain: Toolchain; starter: ProcessStarter },
  own: string,
  args: string,
) {
  const { path } = toolchain.ffmpeg;
  return runTool(
    {
      argv: [path, '-nostdin', '-v', 'error', '-y', ...args.split(' ')],
      cwd: own,
      env: { PATH: '/usr/bin:/bin' },
      limits: wideLimits,
      access: { read: [], execute: [path], change: [own] },
      timeoutMs: 30_000,
      signal: never,
    },
    { starter, clock: systemClock },
  );
}

const open = '-protocol_whitelist file,crypto,data,http,tcp,udp,rtp,concat,subfile';

describe.skipIf(launcherPath === undefined)('in the sandbox', async () => {
  const search = { clock: systemClock, launcherPath: launcherPath ?? '' };
  const starter = await createStarter({ ...search, sandbox: 'auto' });
  const outside = await createStarter({ ...search, sandbox: 'off' });
  afterAll(() => Promise.all([starter.close(), outside.close()]));

  test('is where programs run that can be confined', () => {
    expect([starter.sandbox, outside.sandbox]).toEqual(['launcher', 'none']);
  });

  describeWithToolchains(toolchains, (toolchain) => {
    test.each([
      ['a playlist', (secret: string) => `#EXTM3U\n#EXTINF:1,\n${secret}\n#EXT-X-ENDLIST\n`, 'hls'],
      ['a list of films', (secret: string) => `ffconcat version 1.0\nfile ${secret}\n`, 'concat'],
    ])('%s gets nothing of another job, although no flag forbids it', async (_, write, format) => {
      await using jobs = await createJobs(toolchain);
      await writeFile(join(jobs.own, 'in'), write(jobs.secret));
      const allow = format === 'concat' ? `${open} -safe 0` : `${open} -allowed_extensions ALL`;
      const args = `${allow} -f ${format} -i file:in -c copy file:out.mkv`;
      const free = await runBare({ toolchain, starter: outside }, jobs.own, args);
      expect(free.exit, 'the attack works without the sandbox').toEqual({ code: 0 });
      const { exit } = await runBare({ toolchain, starter }, jobs.own, args.replace('out', 'no'));
      expect(exit.code).not.toBe(0);
      expect(await readdir(jobs.own)).not.toContain('no.mkv');
    });

    test('a link that lies in its directory leads nowhere', async () => {
      await using jobs = await createJobs(toolchain);
      await symlink(jobs.secret, join(jobs.own, 'link'));
      const args = `-i file:link -c copy file:out.mkv`;
      const { exit, stderr } = await runBare({ toolchain, starter }, jobs.own, args);
      expect(exit.code).not.toBe(0);
      expect(stderr).toContain('Permission denied');
    });

    test('nothing is written outside of its directory', async () => {
      await using jobs = await createJobs(toolchain);
      await link(jobs.secret, join(jobs.own, 'in.mp4'));
      for (const target of ['new.mp4', 'film.mp4']) {
        const args = `-i file:in.mp4 -c copy file:${join(jobs.other, target)}`;
        const { exit } = await runBare({ toolchain, starter }, jobs.own, args);
        expect(exit.code).not.toBe(0);
      }
      expect(await readdir(jobs.other)).toEqual(['film.mp4']);
      expect((await readFile(jobs.secret)).length).toBeGreaterThan(1000);
    });

    test.each(['tcp://127.0.0.1:9', 'udp://127.0.0.1:9'])(
      'no socket is opened: %s',
      async (url) => {
        await using jobs = await createJobs(toolchain);
        await link(jobs.secret, join(jobs.own, 'in.mp4'));
        const args = `-i file:in.mp4 -c copy -f mpegts ${url}`;
        const { exit, stderr } = await runBare({ toolchain, starter }, jobs.own, args);
        expect(exit.code).not.toBe(0);
        expect(stderr).toMatch(/Operation not permitted|Input\/output error|Permission denied/);
      },
    );

    test('a film is probed, worked on and checked as outside', async () => {
      await using jobs = await createJobs(toolchain);
      const tools = createTools(toolchain, { starter });
      expect(codeOf(await tools.probe(jobs.secret, never))).toBe('ok');
      const output = join(jobs.own, 'out.mp4');
      const command = {
        inputs: [{ path: jobs.secret, options: [] }],
        outputs: [{ path: output, options: ['-map', '0:v:0', '-c:v', 'libx264'] }],
      };
      expect(codeOf(await tools.run(command, controlOf()))).toBe('ok');
      expect(codeOf(await tools.verify(output, { streams: ['video'] }, never))).toBe('ok');
    });
  });
});

test.skipIf(launcherPath === undefined)(
  'a launcher that does not pass its self-test confines nothing, and says so',
  async () => {
    await using directory = await createTempDirectory();
    const fake = join(directory.path, 'launcher');
    // It speaks the language, but knows no self-test.
    const real = required(launcherPath, 'a launcher');
    await writeFile(fake, `#!/bin/sh\n[ "$1" = --self-test ] && exit 1\nexec ${real} "$@"\n`, {
      mode: 0o755,
    });
    const search = { clock: systemClock, launcherPath: fake };
    await using starter = await createStarter({ ...search, sandbox: 'auto' });
    expect(starter.sandbox).toBe('none');
  },
);
