import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gibibyte, kibibyte } from '../../../src/base/units.ts';
import type { FfmpegCommand } from '../../../src/ffmpeg/command.ts';
import { limitsOfRun } from '../../../src/ffmpeg/run-limits.ts';
import { retryRules } from '../../../src/scheduler/retry-policy.ts';
import { describeWithStarters, startersUnderTest } from '../../support/starters.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import {
  anyToolchain,
  describeWithToolchains,
  toolchainsUnderTest,
} from '../../support/toolchains.ts';
import { codeOf, controlOf, createTools, h264Aac, limits, makeClip, picture } from './media-rig.ts';

let directory: TempDirectory;
let film: string;

beforeAll(async () => {
  directory = await createTempDirectory();
  const args = [...picture('3840x2160'), ...h264Aac.slice(0, -2)];
  film = await makeClip(await anyToolchain(), join(directory.path, 'film.mp4'), args);
});

afterAll(() => directory[Symbol.asyncDispose]());

/** Encodes the film, in 4K, as often as `loops` says and once more. */
function encoding(name: string, loops = 0): FfmpegCommand {
  const inputs = [{ path: film, options: ['-stream_loop', String(loops)] }];
  const options = ['-map', '0:v', '-c:v', 'libx264', '-preset', 'veryfast', '-f', 'mp4'];
  return { inputs, outputs: [{ path: join(directory.path, name), options }] };
}

test('address space grows with the thread budget', () => {
  const run = { timeoutMs: 60_000, fileBytesMax: 1 };
  expect(limitsOfRun({ ...run, threads: 1 }).addressBytesMax).toBe(4.25 * gibibyte);
  expect(limitsOfRun({ ...run, threads: 16 }).addressBytesMax).toBe(8 * gibibyte);
  expect(limitsOfRun({ ...run, threads: 2 }).cpuSec).toBeGreaterThanOrEqual(120);
});

const starters = (await startersUnderTest()).filter(({ method }) => method !== 'plain');

describeWithToolchains(await toolchainsUnderTest(), (toolchain) => {
  describeWithStarters(starters, ({ method, open }) => {
    test('an encode of 4K has room enough', async () => {
      await using starter = await open();
      const tools = createTools(toolchain, { starter });
      for (const threads of [1, 8]) {
        const command = encoding(`${method}-${threads}.mp4`);
        expect(codeOf(await tools.run(command, controlOf({ threads })))).toBe('ok');
      }
    });

    test('a run whose file grows too large is told as that, and not repeated', async () => {
      await using starter = await open();
      const scratchBytesMax = 16 * kibibyte;
      const tools = createTools(toolchain, { starter, limits: { ...limits, scratchBytesMax } });
      const command = encoding(`${method}-large.mp4`);
      const result = await tools.run(command, controlOf());
      expect(codeOf(result)).toBe('limit_size');
      expect(result.ok ? '' : result.error.message).toContain('grows larger than');
      expect(retryRules.limit_size.retry).toBe('never');
      const { size } = await stat(join(directory.path, `${method}-large.mp4`));
      expect(size).toBeLessThanOrEqual(scratchBytesMax);
    });

    test('a run that takes too much CPU time is a timeout', async () => {
      await using starter = await open();
      const tools = createTools(toolchain, { starter, runLimitMs: 0 });
      const command = encoding(`${method}-long.mp4`, 1000);
      const result = await tools.run(command, controlOf({ durationSec: 1000 }));
      expect(codeOf(result)).toBe('timeout');
    });
  });
});
