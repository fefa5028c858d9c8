import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/json.ts';

describe('canonical JSON', () => {
  it('sorts the keys of objects at every depth, and keeps the order of lists', () => {
    const value = { b: [{ d: 1, c: 'é' }, null, 2], a: { f: true, e: undefined } };
    expect(canonicalJson(value)).toBe('{"a":{"f":true},"b":[{"c":"é","d":1},null,2]}');
  });

  it('tells texts from numbers and names from values', () => {
    const texts = [{ a: '1' }, { a: 1 }, { 'a":1,"b': 1 }, { a: 1, b: 1 }].map(canonicalJson);
    expect(new Set(texts).size).toBe(texts.length);
  });
});
