import { describe, expect, test } from 'vitest';
import { toolchainWarnings } from '../../../src/ffmpeg/toolchain-warnings.ts';
import type { Tool, Toolchain } from '../../../src/ffmpeg/toolchain.ts';

function toolchainOf(ffmpeg: Tool, ffprobe: Tool): Toolchain {
  return { ffmpeg, ffprobe, searchPath: '' };
}

const patched: Tool = {
  path: '/usr/bin/x',
  origin: 'path',
  version: { text: '7.1.5', release: [7, 1, 5], year: 2026 },
};
const flawed: Tool = { ...patched, version: { text: '5.1.9', release: [5, 1, 9] } };
const bundled: Tool = { ...patched, origin: 'bundled', version: { text: 'N-47683', year: 2018 } };

describe('warnings about a toolchain', () => {
  test('are none for a patched one', () => {
    expect(toolchainWarnings(toolchainOf(patched, patched))).toEqual([]);
  });

  test('say that the bundled build works but is old', () => {
    const [warning] = toolchainWarnings(toolchainOf(bundled, patched));
    expect(warning).toContain('The bundled ffmpeg (a build from 2018) works');
  });

  test('name the flaw and the release that fixes it, for each program', () => {
    const other: Tool = { ...flawed, version: { text: '5.1.8', release: [5, 1, 8] } };
    const warnings = toolchainWarnings(toolchainOf(flawed, other));
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('ffmpeg 5.1.9 may have a known flaw (CVE-2026-8461');
    expect(warnings[1]).toMatch(/^ffprobe 5\.1\.8 .* update to 5\.1\.10 or later/);
  });

  test('are told once when both programs are of one build', () => {
    expect(toolchainWarnings(toolchainOf(flawed, flawed))).toEqual([
      expect.stringMatching(/^ffmpeg and ffprobe 5\.1\.9 may have a known flaw/),
    ]);
    expect(toolchainWarnings(toolchainOf(bundled, bundled))).toEqual([
      expect.stringMatching(/^The bundled ffmpeg and ffprobe .* work, but they get no/),
    ]);
  });
});
