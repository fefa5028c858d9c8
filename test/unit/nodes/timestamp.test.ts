import { expect, it } from 'vitest';
import { formatTimestamp } from '../../../src/nodes/timestamp.ts';

it.each([
  [0, '00:00:00.000'],
  [7, '00:00:00.007'],
  [59_999, '00:00:59.999'],
  [60_000, '00:01:00.000'],
  [3_723_004, '01:02:03.004'],
  [359_999_999, '99:59:59.999'],
  [360_000_000, '100:00:00.000'],
])('%i milliseconds are %s', (timeMs, text) => {
  expect(formatTimestamp(timeMs, '.')).toBe(text);
  expect(formatTimestamp(timeMs, ',')).toBe(text.replace('.', ','));
});
