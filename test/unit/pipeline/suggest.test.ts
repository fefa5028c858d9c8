import { describe, expect, test } from 'vitest';
import { hintForName, listNames, nearestName } from '../../../src/pipeline/suggest.ts';

const kinds = ['validate', 'extract-audio', 'thumbnail', 'transcode', 'merge'];

describe('the nearest name', () => {
  test.each([
    ['transcod', 'transcode'],
    ['transocde', 'transcode'],
    ['Validate', 'validate'],
    ['extract_audio', 'extract-audio'],
    ['mrege', 'merge'],
    ['thumbnails', 'thumbnail'],
  ])('of %s is %s', (wrong, right) => {
    expect(nearestName(wrong, kinds)).toBe(right);
  });

  test.each(['', 'x', 'encode', 'ab', 'audio', 'x'.repeat(10_000)])('of %s is none', (wrong) => {
    expect(nearestName(wrong, kinds)).toBeUndefined();
  });

  test('is the one with the fewest edits', () => {
    expect(nearestName('merge-720', ['merge-1080p', 'merge-720p', 'merge-7200'])).toBe(
      'merge-720p',
    );
  });

  test('may differ in one character only when the name is short', () => {
    expect(nearestName('crt', ['crf'])).toBe('crf');
    expect(nearestName('abc', ['axy'])).toBeUndefined();
  });
});

describe('the hint for an unknown name', () => {
  test('asks for the name that was probably meant', () => {
    expect(hintForName('merg', kinds, 'kinds')).toBe('Did you mean `merge`?');
  });

  test('lists all names when none is near', () => {
    expect(hintForName('encode', ['merge', 'publish'], 'kinds')).toBe(
      'Known kinds: `merge`, `publish`.',
    );
  });

  test('says when there are none', () => {
    expect(hintForName('crf', [], 'keys')).toBe('There are no keys here.');
  });
});

test('a long list of names is cut', () => {
  const names = Array.from({ length: 25 }, (_, index) => `n${index}`);
  expect(listNames(names)).toMatch(/`n19` and 5 more$/);
});
