import { describe, expect, test } from 'vitest';
import { err, ok } from '../../../src/base/result.ts';
import type { Result } from '../../../src/base/result.ts';

function half(count: number): Result<number, string> {
  return count % 2 === 0 ? ok(count / 2) : err(`${count} is odd`);
}

describe('a result', () => {
  test('holds a value when it is good', () => {
    expect(half(4)).toEqual({ ok: true, value: 2 });
  });

  test('holds the failure when it is not', () => {
    expect(half(3)).toEqual({ ok: false, error: '3 is odd' });
  });

  test('tells the two apart for the compiler', () => {
    const result = half(8);
    expect(result.ok ? result.value + 1 : result.error.length).toBe(5);
  });

  test('may hold nothing at all', () => {
    expect(ok(undefined)).toEqual({ ok: true, value: undefined });
  });
});
