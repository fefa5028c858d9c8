import { describe, expect, test } from 'vitest';
import { jobIdPattern, newJobId } from '../../../src/base/ids.ts';

describe('a job id', () => {
  test('is 22 characters that are safe in paths and addresses', () => {
    for (let count = 0; count < 1000; count += 1) expect(newJobId()).toMatch(jobIdPattern);
  });

  test('holds 128 bits of chance', () => {
    expect(Buffer.from(newJobId(), 'base64url')).toHaveLength(16);
    const ids = Array.from({ length: 10_000 }, newJobId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each([
    '',
    'short',
    '../../../../etc/passwd',
    'aaaaaaaaaaaaaaaaaaaaa/',
    'aaaaaaaaaaaaaaaaaaaaa.',
    'aaaaaaaaaaaaaaaaaaaaaaa',
    'aaaaaaaaaaaaaaaaaaaaaa\n',
    'äaaaaaaaaaaaaaaaaaaaaa',
  ])('is not %j', (text) => {
    expect(text).not.toMatch(jobIdPattern);
  });
});
