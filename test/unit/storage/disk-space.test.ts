import { expect, test } from 'vitest';
import { gibibyte, mebibyte } from '../../../src/base/units.ts';
import { hasRoom } from '../../../src/storage/disk-space.ts';

test.each([
  { total: 100 * gibibyte, reserve: gibibyte },
  { total: 20 * gibibyte, reserve: gibibyte },
  { total: 100 * mebibyte, reserve: 5 * mebibyte },
])('of a disk of $total bytes, uploads leave $reserve free', ({ total, reserve }) => {
  const space = { freeBytes: reserve + 7, totalBytes: total };
  expect(hasRoom(space, 7)).toBe(true);
  expect(hasRoom(space, 8)).toBe(false);
});
