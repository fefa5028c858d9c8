import { describe, expect, test } from 'vitest';
import { nearestName } from '../../../src/base/nearest-name.ts';

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

  test('is found among settings, too', () => {
    const settings = ['port', 'host', 'data-dir'];
    expect(nearestName('prot', settings)).toBe('port');
    expect(nearestName('datadir', settings)).toBe('data-dir');
    expect(nearestName('whisper', settings)).toBeUndefined();
    expect(nearestName('port', [])).toBeUndefined();
  });
});
