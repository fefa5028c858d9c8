import { describe, expect, it } from 'vitest';
import { toThreeLetters } from '../../../src/nodes/language-code.ts';

describe('toThreeLetters', () => {
  it.each([
    ['en', 'eng'],
    ['de', 'deu'],
    ['zh', 'zho'],
    ['cs', 'ces'],
    ['sv', 'swe'],
    ['haw', 'haw'],
    ['eng', 'eng'],
  ])('names %s as %s', (code, wanted) => {
    expect(toThreeLetters(code)).toBe(wanted);
  });

  it('does not name what it does not know', () => {
    expect(toThreeLetters('xx')).toBeUndefined();
    expect(toThreeLetters('english')).toBeUndefined();
    expect(toThreeLetters('EN')).toBeUndefined();
  });
});
