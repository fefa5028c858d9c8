import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, test } from 'vitest';
import { required } from '../../src/base/assert.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { gibibyte } from '../../src/base/units.ts';
import type { MediaTools } from '../../src/ffmpeg/media-tools.ts';
import { findToolchain } from '../../src/ffmpeg/toolchain.ts';
import type { Toolchain } from '../../src/ffmpeg/toolchain.ts';
import { createMediaTools } from '../../src/ffmpeg/tools.ts';

/** A toolchain that media tests run with. */
export interface TestToolchain {
  /** `system` (what is on PATH) or `bundled` (what comes with npm). */
  readonly name: string;
  /** Absent when this machine has none of the kind; `reason` says so. */
  readonly toolchain?: Toolchain;
  readonly reason?: string;
}

/** Which toolchains to test: `system`, `bundled` or `both`, which is the default. */
const variable = 'REELGRAPH_TEST_TOOLCHAIN';

/**
 * The toolchains that `REELGRAPH_TEST_TOOLCHAIN` asks for. Where it asks for `both`, or nothing, a
 * machine without an ffmpeg of its own gives a skipped suite that says why.
 *
 * @throws Error when a toolchain that was asked for by name is missing.
 */
export async function toolchainsUnderTest(): Promise<readonly TestToolchain[]> {
  const wanted = process.env[variable] ?? 'both';
  if (!['system', 'bundled', 'both'].includes(wanted)) {
    throw new Error(`${variable} must be system, bundled or both, not "${wanted}".`);
  }
  const found: TestToolchain[] = [];
  if (wanted !== 'bundled') found.push(await systemToolchain());
  if (wanted !== 'system') found.push(await bundledToolchain());
  const missing = found.find(({ toolchain }) => toolchain === undefined);
  if (wanted !== 'both' && missing !== undefined) throw new Error(missing.reason);
  return found;
}

/**
 * Declares a suite once per toolchain. Call it as
 * `describeWithToolchains(await toolchainsUnderTest(), (toolchain) => { … })`.
 */
export function describeWithToolchains(
  toolchains: readonly TestToolchain[],
  declare: (toolchain: Toolchain) => void,
): void {
  for (const { name, toolchain, reason } of toolchains) {
    if (toolchain === undefined) {
      test(`with the ${name} ffmpeg`, ({ skip }) => skip(reason ?? 'there is none'));
    } else {
      describe(`with the ${name} ffmpeg`, () => {
        declare(toolchain);
      });
    }
  }
}

/** One toolchain, for tests that are not about ffmpeg: the first of those under test. */
export async function anyToolchain(): Promise<Toolchain> {
  const found = await toolchainsUnderTest();
  return required(
    found.find(({ toolchain }) => toolchain !== undefined)?.toolchain,
    'a toolchain to test with',
  );
}

/** Media tools over a toolchain with the limits of the default settings. */
export function toolsOver(toolchain: Toolchain): MediaTools {
  return createMediaTools({
    toolchain,
    limits: { pixelsMax: 36_000_000, durationSecMax: 14_400, streamsMax: 64 },
    logger: silentLogger,
    clock: systemClock,
  });
}

/** What a program writes to its standard output; rejects when it ends badly. */
export async function output(program: string, args: readonly string[]): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: gibibyte } as const;
  const { stdout } = await promisify(execFile)(program, [...args], options);
  return stdout;
}

async function systemToolchain(): Promise<TestToolchain> {
  const found = await findToolchain({});
  const isSystem =
    found.ok && found.value.ffmpeg.origin === 'path' && found.value.ffprobe.origin === 'path';
  return isSystem
    ? { name: 'system', toolchain: found.value }
    : { name: 'system', reason: 'there is no usable ffmpeg with ffprobe on PATH' };
}

async function bundledToolchain(): Promise<TestToolchain> {
  // No PATH to look at, then the usual one for what the programs themselves may start.
  const found = await findToolchain({ searchPath: '' });
  return found.ok
    ? { name: 'bundled', toolchain: { ...found.value, searchPath: process.env['PATH'] ?? '' } }
    : { name: 'bundled', reason: found.error.message };
}
