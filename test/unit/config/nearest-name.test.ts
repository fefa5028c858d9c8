import { expect, test } from 'vitest';
import { nearestName } from '../../../src/config/nearest-name.ts';

test('the nearest name wins, and a far one does not count', () => {
  const known = ['port', 'host', 'data-dir'];
  expect(nearestName('prot', known)).toBe('port');
  expect(nearestName('datadir', known)).toBe('data-dir');
  expect(nearestName('hostt', known)).toBe('host');
  expect(nearestName('whisper', known)).toBeUndefined();
  expect(nearestName('port', [])).toBeUndefined();
});
