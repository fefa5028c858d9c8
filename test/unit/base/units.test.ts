import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatDuration,
  gibibyte,
  kibibyte,
  mebibyte,
} from '../../../src/base/units.ts';

describe('the binary units', () => {
  test('are powers of 1024', () => {
    expect([kibibyte, mebibyte, gibibyte]).toEqual([2 ** 10, 2 ** 20, 2 ** 30]);
  });
});

describe('a number of bytes', () => {
  test.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [8_176_582, '7.8 MiB'],
    [gibibyte, '1.0 GiB'],
    [2 ** 40, '1.0 TiB'],
    [2048 * 2 ** 40, '2048.0 TiB'],
  ])('%d is written as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [mebibyte - 1, '1.0 MiB'],
    [gibibyte - 1, '1.0 GiB'],
    [Math.floor(1023.94 * kibibyte), '1023.9 KiB'],
    [Math.ceil(1023.95 * kibibyte), '1.0 MiB'],
  ])('that rounding takes to the next unit is written in it: %d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('a duration', () => {
  test.each([
    [0, '0 ms'],
    [0.4, '0 ms'],
    [950, '950 ms'],
    [999.4, '999 ms'],
    [1000, '1.0 s'],
    [12_345, '12.3 s'],
    [59_949, '59.9 s'],
    [60_000, '1 min 0 s'],
    [90_000, '1 min 30 s'],
    [119_499, '1 min 59 s'],
    [3_600_000, '60 min 0 s'],
    [14_400_000, '240 min 0 s'],
  ])('of %d ms is written as %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  test.each([
    [999.5, '1.0 s'],
    [59_990, '1 min 0 s'],
    [119_500, '2 min 0 s'],
    [3_599_900, '60 min 0 s'],
  ])('that rounding takes to the next unit is written in it: %d ms is %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});
