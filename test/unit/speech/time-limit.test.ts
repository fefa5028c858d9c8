import { expect, test } from 'vitest';
import { growing, windowsProgress } from '../../../src/speech/progress.ts';
import { recognitionLimitMs } from '../../../src/speech/time-limit.ts';

test('a recognition may take longer for more sound, and less with more threads', () => {
  expect(recognitionLimitMs(0, 1)).toBe(60_000);
  expect(recognitionLimitMs(60, 1)).toBe(60_000 + 1_200_000);
  expect(recognitionLimitMs(60, 4)).toBe(60_000 + 300_000);
  expect(recognitionLimitMs(60, 64)).toBe(recognitionLimitMs(60, 8));
});

test('progress only grows, and ends at 1', () => {
  const seen: number[] = [];
  const report = growing((fraction) => seen.push(fraction));
  for (const fraction of [0, 0.1, 0.1, 0.05, windowsProgress(1, 2), windowsProgress(2, 2), 3]) {
    report(fraction);
  }
  expect(seen).toEqual([0.1, 0.55, 1]);
});
