import { describe, expect, test } from 'vitest';
import { parseParams } from '../../../src/cli/params.ts';

describe('--param', () => {
  test('reads numbers, booleans and quoted texts as JSON, and all else as it stands', () => {
    const values = [
      'a=1',
      'b=true',
      'c=en',
      'd="720"',
      'e=',
      'f=x=y',
      'g=007',
      'h=-1.5e3',
      'i=[1]',
    ];
    expect(parseParams(values)).toEqual({
      ok: true,
      value: { a: 1, b: true, c: 'en', d: '720', e: '', f: 'x=y', g: '007', h: -1500, i: '[1]' },
    });
  });

  test('refuses a name without a value', () => {
    const parsed = parseParams(['language']);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
    expect(!parsed.ok && parsed.error.message).toContain('has no value');
  });

  test.each(['=1', ' =1'])('refuses %j, which has no name', (value) => {
    const parsed = parseParams([value]);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
    expect(!parsed.ok && parsed.error.message).toContain('--param name=value');
  });

  test('refuses a name that is given twice', () => {
    expect(parseParams(['a=1', 'a=2'])).toMatchObject({
      ok: false,
      error: { message: '--param a is given twice. Keep one.' },
    });
  });

  test('takes a name that JavaScript knows for just a name', () => {
    const parsed = parseParams(['__proto__=1']);
    expect(parsed.ok && Object.keys(parsed.value)).toEqual(['__proto__']);
  });
});
