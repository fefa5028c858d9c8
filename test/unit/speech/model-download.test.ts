import { describe, expect, test } from 'vitest';
import { fileFailure, isDowngrade } from '../../../src/speech/model-download.ts';

test.each([
  ['https://a.example/x', 'https://b.example/y', false],
  ['https://a.example/x', 'http://a.example/x', true],
  ['http://mirror.example/x', 'http://mirror.example/y', false],
  ['http://mirror.example/x', 'https://mirror.example/y', false],
])('from %s to %s encryption is lost: %s', (asked, answered, isLost) => {
  expect(isDowngrade(asked, answered)).toBe(isLost);
});

describe('a failed write', () => {
  test.each(['ENOSPC', 'EDQUOT'])('with %s means a full disk', (code) => {
    expect(fileFailure(Object.assign(new Error('write'), { code })).code).toBe('resource');
  });

  test('with any other error means trouble with the directory', () => {
    expect(fileFailure(Object.assign(new Error('open'), { code: 'EACCES' })).code).toBe('storage');
  });
});
