import { describe, expect, test } from 'vitest';
import { parseIdempotencyKey, parseSha256Digest, recognize } from '../../../src/api/idempotency.ts';
import { fingerprintOf } from '../../../src/jobs/idempotency.ts';
import { jobOf } from '../../conformance/store/sample-jobs.ts';

function keyOf(field: string): unknown {
  const parsed = parseIdempotencyKey({ 'idempotency-key': field });
  return parsed.ok ? parsed.value : parsed.error.code;
}

describe('A key', () => {
  test.each([
    ['"8e03978e-40d5-43e8-bc93-6894a57f9324"', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['  "a key"  ', 'a key'],
    [String.raw`"a \"key\" \\ more"`, String.raw`a "key" \ more`],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('written as %s is %s', (field, key) => {
    expect(keyOf(field)).toBe(key);
  });

  test.each([
    '',
    '""',
    '"',
    '"a',
    '"a"b"',
    'a b',
    '"one", "two"',
    'one, two',
    'schlüssel',
    String.raw`"\a"`,
    'k'.repeat(256),
    `"${'k'.repeat(256)}"`,
  ])('is not %j', (field) => {
    expect(keyOf(field)).toBe('invalid_request');
  });

  test('may be left out', () => {
    expect(parseIdempotencyKey({})).toEqual({ ok: true, value: undefined });
  });
});

describe('A stated digest', () => {
  // RFC 9530, appendix D: the digest of {"hello": "world"} and a line break.
  const field = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:';
  const hex = '44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38';

  test('is that of the representation, or else of the content', () => {
    expect(parseSha256Digest({ 'repr-digest': field })).toBe(hex);
    expect(parseSha256Digest({ 'content-digest': field })).toBe(hex);
    expect(parseSha256Digest({ 'repr-digest': `sha-512=:AAAA:, ${field}` })).toBe(hex);
  });

  test('of another sort, or malformed, is none', () => {
    for (const text of ['', 'sha-512=:AAAA:', 'sha-256=:AAAA:', 'sha-256=RK', `x${field}`]) {
      expect(parseSha256Digest({ 'repr-digest': text })).toBeUndefined();
    }
    expect(parseSha256Digest({})).toBeUndefined();
  });
});

describe('A request with a known key', () => {
  const options = { pipeline: 'standard', params: { a: 1, b: [2] }, priority: 0 };
  const job = jobOf('job-a');
  const { bytes, sha256 } = job.upload;
  const known = { job, fingerprint: fingerprintOf(options, job.upload) };

  test('is the same when it states the digest of then', () => {
    expect(recognize(known, { options, bytes, sha256 })).toBe('same');
    expect(recognize(known, { options, bytes: undefined, sha256 })).toBe('same');
  });

  test('is left to its body when nothing speaks for or against it', () => {
    expect(recognize(known, { options, bytes, sha256: undefined })).toBe('unknown');
    expect(recognize(known, { options, bytes: undefined, sha256: undefined })).toBe('unknown');
  });

  test('is another one by its size, its digest or any option', () => {
    expect(recognize(known, { options, bytes: bytes + 1, sha256: undefined })).toBe('other');
    expect(recognize(known, { options, bytes, sha256: '0'.repeat(64) })).toBe('other');
    for (const change of [
      { pipeline: 'audio' },
      { params: { a: 1 } },
      { priority: 1 },
      { tenant: 'acme' },
      { usesCache: false },
    ]) {
      const changed = { ...options, ...change };
      expect(recognize(known, { options: changed, bytes, sha256 })).toBe('other');
    }
  });

  test('is the same however its parameters are ordered, and with its defaults spelled out', () => {
    const spelled = {
      priority: 0,
      params: { b: [2], a: 1 },
      pipeline: 'standard',
      tenant: 'default',
      usesCache: true,
    };
    expect(recognize(known, { options: spelled, bytes, sha256 })).toBe('same');
  });
});
