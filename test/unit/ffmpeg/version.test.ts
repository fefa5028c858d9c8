import { describe, expect, test } from 'vitest';
import { frameTimesOptionOf, parseVersion, safeReleaseFor } from '../../../src/ffmpeg/version.ts';

describe('the version line', () => {
  test('of a distribution has a release number', () => {
    const line = 'ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers\n';
    expect(parseVersion('ffmpeg', line)).toEqual({
      text: '5.1.9-0+deb12u1',
      release: [5, 1, 9],
      year: 2026,
    });
  });

  test('of a build without a release has only a year', () => {
    const line =
      'ffprobe version N-66595-gc2b38619c0-static https://example.org/  Copyright (c) 2007-2023 the FFmpeg developers';
    expect(parseVersion('ffprobe', line)).toEqual({
      text: 'N-66595-gc2b38619c0-static',
      year: 2023,
    });
  });

  test.each([
    ['n7.1', [7, 1, 0]],
    ['8.0', [8, 0, 0]],
    ['4.4.2-0ubuntu0.22.04.1', [4, 4, 2]],
  ])('%s is a release', (text, release) => {
    expect(parseVersion('ffmpeg', `ffmpeg version ${text} Copyright`)?.release).toEqual(release);
  });

  test.each(['', 'avconv version 9', 'ffprobe version 5.1', 'ffmpeg: not found'])(
    'of another program is none: %j',
    (line) => {
      expect(parseVersion('ffmpeg', line)).toBeUndefined();
    },
  );
});

describe('the release to update to', () => {
  test.each([
    [[5, 1, 9], '5.1.10'],
    [[6, 1, 5], '6.1.6'],
    [[7, 1, 4], '7.1.5'],
    [[8, 1, 1], '8.1.2'],
    [[8, 0, 3], '8.1.2'],
    [[7, 0, 9], '8.1.2'],
    [[4, 4, 6], '8.1.2'],
    [[5, 1, 10], undefined],
    [[6, 1, 6], undefined],
    [[7, 1, 5], undefined],
    [[8, 1, 2], undefined],
    [[8, 2, 0], undefined],
    [[9, 0, 0], undefined],
  ] as const)('for %j is %s', (release, expected) => {
    expect(safeReleaseFor({ text: release.join('.'), release })).toBe(expected);
  });

  test('is not known for a build without a release', () => {
    expect(safeReleaseFor({ text: 'N-1-g0' })).toBeUndefined();
  });
});

describe('the option for the times of frames', () => {
  test.each([
    [{ text: '9.0', release: [9, 0, 0] }, '-fps_mode'],
    [{ text: '5.1.9', release: [5, 1, 9] }, '-fps_mode'],
    [{ text: '5.0.3', release: [5, 0, 3] }, '-vsync'],
    [{ text: '4.4', release: [4, 4, 0] }, '-vsync'],
    [{ text: 'N-47683', year: 2018 }, '-vsync'],
    [{ text: 'N-66595', year: 2023 }, '-fps_mode'],
    [{ text: 'fake' }, '-vsync'],
  ] as const)('of %j is %s', (version, option) => {
    expect(frameTimesOptionOf(version)).toBe(option);
  });
});
