import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatExactBytes,
  formatExactSeconds,
  formatRetention,
  forEverSec,
  parseBytes,
  parseDecimal,
  parseRetention,
  parseSeconds,
} from '../../../src/config/quantities.ts';

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['12B', 12],
    ['500MB', 500_000_000],
    ['2GiB', 2_147_483_648],
    ['1.5 gib', 1_610_612_736],
    ['1TB', 1_000_000_000_000],
    ['1.0001KB', 1000],
    ['-1MB', -1_000_000],
  ])('%s are %i bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each(['', 'GiB', '2 G', '2GiBs', '1e3', '0x10', '1,5GiB', 'constructor', '1toString'])(
    'are not written "%s"',
    (text) => {
      expect(parseBytes(text)).toBeUndefined();
    },
  );

  test('are formatted so that they are read back exactly', () => {
    expect(formatExactBytes(2_147_483_648)).toBe('2GiB');
    expect(formatExactBytes(0)).toBe('0');
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 1024, 1024 ** 2), (count, unit) => {
        expect(parseBytes(formatExactBytes(count * unit))).toBe(count * unit);
      }),
    );
  });
});

describe('durations', () => {
  test.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['15min', 900],
    ['4h', 14_400],
    ['1d', 86_400],
    ['500ms', 0.5],
    ['1.5 h', 5400],
  ])('%s are %d seconds', (text, seconds) => {
    expect(parseSeconds(text)).toBe(seconds);
  });

  test.each(['', 'h', '4 hours', '1h30m', '4H30'])('are not written "%s"', (text) => {
    expect(parseSeconds(text)).toBeUndefined();
  });

  test('are formatted so that they are read back exactly', () => {
    expect(formatExactSeconds(14_400)).toBe('4h');
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 60, 3600), (count, unit) => {
        expect(parseSeconds(formatExactSeconds(count * unit))).toBe(count * unit);
      }),
    );
  });
});

describe('retentions', () => {
  test('are durations, or for ever', () => {
    expect(parseRetention('7d')).toBe(604_800);
    expect(parseRetention('0')).toBe(0);
    expect(parseRetention(' Forever ')).toBe(forEverSec);
    expect(parseRetention('for ever')).toBeUndefined();
  });

  test('are formatted so that they are read back exactly', () => {
    for (const seconds of [0, 90, 86_400, forEverSec]) {
      expect(parseRetention(formatRetention(seconds))).toBe(seconds);
    }
  });
});

test('plain numbers are decimal and have no unit', () => {
  expect(parseDecimal('8080')).toBe(8080);
  expect(parseDecimal(' -2.5 ')).toBe(-2.5);
  for (const text of ['', '80a', '0x10', '1e3', 'Infinity', 'NaN', '5s']) {
    expect(parseDecimal(text)).toBeUndefined();
  }
});
