import { assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { toLabel } from '../../../src/storage/label.ts';

test.each([
  ['film.mp4', 'film.mp4'],
  ['/etc/passwd', 'passwd'],
  ['..\\..\\boot.ini', 'boot.ini'],
  ['a/b\\c/d.mp4', 'd.mp4'],
  ['  spaced out .mp4  ', 'spaced out .mp4'],
  ['a\0b\r\nc\u0085\u007f.mp4', 'abc.mp4'],
  ['cafe\u0301.mp4', 'caf\u00e9.mp4'],
  ['exe\u202e4pm.gpj', 'exe4pm.gpj'],
  ['-rf', '-rf'],
  ['', 'upload'],
  ['.', 'upload'],
  ['..', 'upload'],
  ['dir/', 'upload'],
  ['\ud800', '\ufffd'],
  ['😀'.repeat(300), '😀'.repeat(255)],
])('The name %j becomes the label %j', (name, label) => {
  expect(toLabel(name)).toBe(label);
});

test('Whatever the name, the label is short, on one line and no path', () => {
  assert(
    property(string({ unit: 'binary', maxLength: 600 }), (name) => {
      const label = toLabel(name);
      expect(Array.from(label).length).toBeGreaterThan(0);
      expect(Array.from(label).length).toBeLessThanOrEqual(255);
      expect(label).not.toMatch(/[\p{Cc}/\\]/u);
      expect(['.', '..']).not.toContain(label);
      expect(toLabel(label)).toBe(label);
    }),
  );
});
