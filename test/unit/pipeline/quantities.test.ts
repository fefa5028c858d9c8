import { expect, test } from 'vitest';
import { parseDuration, parseMemory } from '../../../src/pipeline/quantities.ts';

test.each([
  ['500ms', 500],
  ['2s', 2000],
  ['1.5 h', 5_400_000],
  ['30m', 1_800_000],
  ['0s', 0],
])('the duration %s is %d ms', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(['', '5', '5 minutes', '-1s', '1e3s', '1h30m', ' 1s', '.5s', '1  s', '2S'])(
  'the duration "%s" is refused',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each([
  ['1.5 GiB', 1_610_612_736],
  ['512MiB', 536_870_912],
  ['64 KiB', 65_536],
  ['100 B', 100],
])('the memory %s is %d bytes', (text, bytes) => {
  expect(parseMemory(text)).toBe(bytes);
});

test.each(['', '1', '1 GB', '1 gib', '-1 MiB', '1,5 GiB', 'lots'])(
  'the memory "%s" is refused',
  (text) => {
    expect(parseMemory(text)).toBeUndefined();
  },
);
