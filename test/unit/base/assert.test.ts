import { describe, expect, test } from 'vitest';
import { assert, required, unreachable } from '../../../src/base/assert.ts';

describe('an assertion', () => {
  test('that holds says nothing', () => {
    expect(() => assert(true, 'one is one')).not.toThrow();
  });

  test('that does not hold stops as an internal error', () => {
    expect(() => assert(false, 'one is two')).toThrow(new Error('Internal error: one is two'));
  });
});

describe('a required value', () => {
  test.each([0, '', false, Number.NaN])('may be falsy: %j', (value) => {
    expect(required(value, 'it')).toBe(value);
  });

  test.each([undefined, null])('may not be %j', (value) => {
    expect(() => required(value, 'the probe')).toThrow('Internal error: the probe is missing');
  });
});

describe('an unreachable case', () => {
  test('that is reached names the value', () => {
    const word: 'known' = JSON.parse('"unheard-of"');
    const check = (): string => (word === 'known' ? 'known' : unreachable(word));
    expect(check).toThrow('Internal error: unexpected value "unheard-of"');
  });
});
