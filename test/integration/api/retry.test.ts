import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jsonBodyBytesMax } from '../../../src/api/json-body.ts';
import { jobSchema } from '../../../src/api/schema.ts';
import { failure } from '../../../src/base/failure.ts';
import { newJobId } from '../../../src/base/ids.ts';
import { err, ok } from '../../../src/base/result.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';
import { ApiRig, problemDetail, readAll, until, type Answer } from './api-rig.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await ApiRig.start();
});

afterEach(() => rig[Symbol.asyncDispose]());

/** Asks for a retry, with a body where one is given. */
function retry(
  jobId: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
  return rig.send(
    { method: 'POST', path: `/v1/jobs/${jobId}/retry`, headers: { ...type, ...headers } },
    body,
  );
}

/** A job that succeeded. */
async function succeeded(): Promise<string> {
  const jobId = await rig.makeJob();
  for (const node of ['validate', 'encode', 'publish']) {
    rig.service.start(jobId, node);
    rig.service.succeed(jobId, node);
  }
  return jobId;
}

function statesOf(answer: Answer): readonly string[] {
  return jobSchema.parse(JSON.parse(answer.text)).nodes.map(({ id, state }) => `${id} ${state}`);
}

describe('A retry', () => {
  test('lets a failed job go on, and answers with it', async () => {
    const jobId = await rig.makeJob();
    rig.service.start(jobId, 'validate');
    rig.service.succeed(jobId, 'validate');
    rig.service.start(jobId, 'encode');
    rig.service.fail(jobId, 'encode', failure('corrupt', 'It is damaged.'));

    const answer = await retry(jobId);

    expect(answer.status).toBe(202);
    expect(jobSchema.parse(JSON.parse(answer.text))).toMatchObject({ id: jobId, state: 'running' });
    expect(JSON.parse(answer.text)).not.toHaveProperty('error');
    expect(statesOf(answer)).toEqual(['validate succeeded', 'encode ready', 'publish waiting']);
  });

  test.each([
    ['{"nodes": ["encode"]}', ['validate succeeded', 'encode ready', 'publish waiting']],
    ['{"nodes": ["publish"]}', ['validate succeeded', 'encode succeeded', 'publish ready']],
  ])('runs the nodes that are named: %s', async (body, states) => {
    const jobId = await succeeded();

    const answer = await retry(jobId, body, { 'Content-Type': 'Application/JSON; charset=utf-8' });

    expect(answer.status).toBe(202);
    expect(statesOf(answer)).toEqual(states);
  });

  test.each(['{}', '{"nodes": []}'])('takes a body that names none: %s', async (body) => {
    const jobId = await rig.makeJob();
    await rig.service.cancel(jobId);

    expect((await retry(jobId, body)).status).toBe(202);
  });

  test('is a conflict when nothing is left to run', async () => {
    expect(problemDetail(await retry(await succeeded()), 409, 'conflict')).toMatch(/\.$/);
  });

  test.each([
    ' ',
    '[]',
    '{"nodes": "publish"}',
    '{"nodes": [1]}',
    '{"node": "publish"}',
    '{',
    '\uFFFF',
  ])('refuses a body that says something else: %j', async (body) => {
    const answer = await retry(await succeeded(), body);

    expect(problemDetail(answer, 400, 'invalid_request')).toMatch(/^The body .*\.$/);
  });

  test('refuses a node that there is not', async () => {
    const answer = await retry(await succeeded(), '{"nodes": ["publsh"]}');

    expect(problemDetail(answer, 400, 'invalid_request')).toContain('"publsh"');
  });

  test.each([
    [{ 'Content-Type': 'application/x-www-form-urlencoded' }, 'x-www-form-urlencoded'],
    [{ 'Content-Type': 'text/plain' }, 'text/plain'],
    [{ 'Content-Encoding': 'gzip' }, 'gzip'],
  ])('refuses a body that is no JSON by its headers: %j', async (headers, said) => {
    const answer = await retry(await succeeded(), '{}', headers);

    expect(problemDetail(answer, 415, 'unsupported_media_type')).toContain(said);
  });

  test('refuses a body that is too large, and reads no more of it', async () => {
    const answer = await retry(await succeeded(), ' '.repeat(jsonBodyBytesMax + 1));

    expect(problemDetail(answer, 413, 'limit_size')).toContain('64 KiB');
  });

  test('is a conflict while the job runs', async () => {
    const answer = await retry(await rig.makeJob());

    expect(problemDetail(answer, 409, 'conflict')).toMatch(/\.$/);
  });

  test('of an unknown job is not found', async () => {
    for (const jobId of [newJobId(), '..%2f..']) {
      expect(problemDetail(await retry(jobId), 404, 'not_found')).toMatch(/\.$/);
    }
  });

  test('works with POST alone', async () => {
    const answer = await rig.send({ method: 'GET', path: `/v1/jobs/${newJobId()}/retry` });

    problemDetail(answer, 405, 'method_not_allowed');
    expect(answer.headers.allow).toBe('POST, OPTIONS');
  });
});

describe('A service that takes no jobs', () => {
  test('takes no retry', async () => {
    let isOpen = true;
    await using closing = await ApiRig.start({
      admission: () =>
        isOpen ? ok(undefined) : err(failure('unavailable', 'The service is stopping.')),
    });
    const jobId = await closing.makeJob();
    isOpen = false;

    const answer = await closing.send({ method: 'POST', path: `/v1/jobs/${jobId}/retry` });

    expect(problemDetail(answer, 503, 'unavailable')).toBe('The service is stopping.');
  });
});

describe('A body that does not come', () => {
  const head = 'HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

  test('ends the wait after ten seconds', async () => {
    const clock = new ManualClock();
    await using slow = await ApiRig.start({ clock });
    const jobId = await slow.makeJob();
    const timers = clock.pending;
    const socket = await slow.dial();
    const answer = readAll(socket);
    socket.write(`POST /v1/jobs/${jobId}/retry ${head}Content-Length: 20\r\n\r\n{"no`);
    await until(() => clock.pending > timers);
    clock.advance(10_000);
    // Then it may still send for a moment, so that it reads the answer.
    await until(() => socket.bytesRead > 0);
    clock.advance(2_000);

    expect(await answer).toMatch(/^HTTP\/1\.1 408 .*"code":"timeout"/s);
  });

  test('is forgotten with its client', async () => {
    const clock = new ManualClock();
    await using left = await ApiRig.start({ clock });
    const jobId = await left.makeJob();
    const timers = clock.pending;
    const socket = await left.dial();
    socket.write(`POST /v1/jobs/${jobId}/retry ${head}Content-Length: 20\r\n\r\n{"no`);
    await until(() => clock.pending > timers);
    socket.destroy();
    await until(() => clock.pending === timers);

    expect((await left.send({ path: `/v1/jobs/${jobId}` })).status).toBe(200);
  });
});
