import { describe, expect, it } from 'vitest';
import { isKnownLanguage, toThreeLetters } from '../../../src/nodes/language-code.ts';

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

describe('isKnownLanguage', () => {
  it('knows what speech models know, by its usual code', () => {
    expect(['en', 'de', 'zh', 'he', 'haw', 'yue'].filter((code) => !isKnownLanguage(code))).toEqual(
      [],
    );
    expect(['', 'xx', 'eng', 'EN', 'english'].filter((code) => isKnownLanguage(code))).toEqual([]);
  });
});
