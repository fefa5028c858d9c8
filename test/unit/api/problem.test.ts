import { expect, test } from 'vitest';
import {
  failureCodes,
  makeProblem,
  statusByFailureCode,
  toProblem,
} from '../../../src/api/problem.ts';
import { failure } from '../../../src/base/failure.ts';

test('Every failure code has a status, and every one is listed for the schema', () => {
  expect([...failureCodes].sort()).toEqual(Object.keys(statusByFailureCode).sort());
});

test.each([
  ['empty', 400],
  ['invalid_request', 400],
  ['not_found', 404],
  ['timeout', 408],
  ['conflict', 409],
  ['idempotency_key_reused', 422],
  ['expired', 410],
  ['limit_size', 413],
  ['unsupported_format', 415],
  ['corrupt', 422],
  ['internal', 500],
  ['unavailable', 503],
  ['storage', 507],
] as const)('%s is %i', (code, status) => {
  expect(toProblem(failure(code, 'Why.')).status).toBe(status);
});

test('A problem carries the message and nothing for the operator', () => {
  const problem = toProblem(failure('storage', 'The disk is full.', 'ENOSPC: /srv/data/in.part'));

  expect(problem).toEqual({
    type: 'about:blank',
    title: 'Insufficient Storage',
    status: 507,
    detail: 'The disk is full.',
    code: 'storage',
    headers: {},
  });
});

test('A refusal that passes says when to come back', () => {
  const busy = makeProblem({ status: 429, code: 'too_many_requests', detail: 'Busy.' });

  expect(busy.headers).toEqual({ 'Retry-After': '10' });
});
