import { describe, expect, test } from 'vitest';
import { hintForName, listNames } from '../../../src/pipeline/suggest.ts';

const kinds = ['validate', 'extract-audio', 'thumbnail', 'transcode', 'merge'];

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
