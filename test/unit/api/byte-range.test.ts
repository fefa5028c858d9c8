import { assert, integer, nat, oneof, property, string, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { matchesEtag, parseRange } from '../../../src/api/byte-range.ts';

test('No header asks for the whole object', () => {
  expect(parseRange(undefined, 10)).toEqual({ type: 'whole' });
});

test('Whatever the header, a part lies within the object', () => {
  const header = oneof(
    string(),
    tuple(nat(20), nat(20)).map(([first, last]) => `bytes=${first}-${last}`),
    nat(20).map((first) => `bytes=${first}-`),
    nat(20).map((length) => `bytes=-${length}`),
  );
  assert(
    property(header, integer({ min: 1, max: 15 }), (text, bytes) => {
      const asked = parseRange(text, bytes);
      if (asked.type !== 'part') return;
      expect(asked.range.first).toBeGreaterThanOrEqual(0);
      expect(asked.range.last).toBeGreaterThanOrEqual(asked.range.first);
      expect(asked.range.last).toBeLessThan(bytes);
    }),
  );
});

test('An entity tag is found in a list, weak or strong, and not inside another one', () => {
  expect(matchesEtag('"x", W/"a"', '"a"')).toBe(true);
  expect(matchesEtag(' * ', '"a"')).toBe(true);
  expect(matchesEtag('"aa"', '"a"')).toBe(false);
  expect(matchesEtag(undefined, '"a"')).toBe(false);
});
