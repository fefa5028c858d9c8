import { expect, test } from 'vitest';
import { PaceMeter, paceIntervalMs, uploadBytesPerSecMin } from '../../../src/api/upload-guard.ts';

const bytesPerIntervalMin = (uploadBytesPerSecMin * paceIntervalMs) / 1000;

/** What a meter says of so many bytes per interval. */
function paces(bytes: readonly number[]): readonly string[] {
  const meter = new PaceMeter();
  let total = 0;
  return bytes.map((more) => meter.sample((total += more)));
}

test('An upload is not judged before it is half a minute old', () => {
  expect(paces([0, 0, 0, 0, 0])).toEqual(['fine', 'fine', 'fine', 'fine', 'fine']);
});

test('An upload of just the least pace is fine, and of one byte less is slow', () => {
  const least = Array.from({ length: 7 }, () => bytesPerIntervalMin);

  expect(paces(least)).not.toContain('slow');
  expect(paces(least.with(6, bytesPerIntervalMin - 1)).at(-1)).toBe('slow');
});

test('An upload that came fast and then stands still is idle after half a minute of that', () => {
  expect(paces([1e9, 0, 0, 0, 0, 0, 0]).slice(-2)).toEqual(['fine', 'idle']);
});

test('A burst makes up for a pause within the window, and not for longer', () => {
  const burst = 6 * bytesPerIntervalMin;

  expect(paces([0, 0, 0, 0, 0, burst, 0, 0, 0, 0, 0, 1])).toEqual([
    ...Array.from({ length: 11 }, () => 'fine'),
    'slow',
  ]);
});
