import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobListSchema, jobSchema, pipelineListSchema } from '../../../src/api/schema.ts';
import { failure } from '../../../src/base/failure.ts';
import { newJobId } from '../../../src/base/ids.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { err, ok } from '../../../src/base/result.ts';
import { ApiRig, problemDetail, type Answer } from './api-rig.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await ApiRig.start();
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

async function get(path: string, headers = {}): Promise<Answer> {
  return rig.send({ path, headers });
}

async function call(method: string, path: string, body = ''): Promise<Answer> {
  return rig.send({ method, path }, body);
}

describe('A job', () => {
  test('is shown with its nodes and their progress', async () => {
    const jobId = await rig.makeJob();
    rig.service.start(jobId, 'validate', 2);
    rig.service.report(jobId, 'validate', 0.5);

    const job = jobSchema.parse(JSON.parse((await get(`/v1/jobs/${jobId}`)).text));

    expect(job).toMatchObject({ id: jobId, state: 'running' });
    expect(job.progress).toBeCloseTo(0.5 / 3);
    expect(job.nodes.map(({ id, state, progress }) => [id, state, progress])).toEqual([
      ['validate', 'running', 0.5],
      ['encode', 'waiting', 0],
      ['publish', 'waiting', 0],
    ]);
  });

  test('never shows what is for the operator: details, paths and commands', async () => {
    const jobId = await rig.makeJob();
    rig.service.start(jobId, 'validate');
    rig.service.succeed(jobId, 'validate', {
      files: [{ name: 'a.mp4', content: Buffer.from('a') }],
    });
    rig.service.start(jobId, 'encode');
    const detail = 'ffmpeg -i /srv/secret/in exited with 1';
    rig.service.fail(jobId, 'encode', failure('corrupt', 'The film is damaged.', detail));

    const answer = await get(`/v1/jobs/${jobId}`);
    const events = await get(`/v1/jobs/${jobId}/events`);

    expect(JSON.parse(answer.text)).toMatchObject({
      state: 'failed',
      error: { code: 'corrupt', message: 'The film is damaged.', node: 'encode' },
    });
    for (const text of [answer.text, events.text]) {
      expect(text).toContain('The film is damaged.');
      expect(text).not.toMatch(/secret|ffmpeg|operatorDetail|incoming\/|"path"/);
    }
  });

  test.each(['x', '..%2f..%2fetc%2fpasswd', 'a'.repeat(23), `${'a'.repeat(21)}%00`, newJobId()])(
    'with the id %s does not exist',
    async (id) => {
      for (const path of ['', '/events', '/artifacts/a.mp4']) {
        expect(problemDetail(await get(`/v1/jobs/${id}${path}`), 404, 'not_found')).toMatch(/\.$/);
      }
      expect(problemDetail(await call('POST', `/v1/jobs/${id}/cancel`), 404, 'not_found')).toMatch(
        /\.$/,
      );
    },
  );

  test('can be cancelled once', async () => {
    const jobId = await rig.makeJob();

    const first = await call('POST', `/v1/jobs/${jobId}/cancel`);
    const second = await call('POST', `/v1/jobs/${jobId}/cancel`);

    expect(first.status).toBe(200);
    expect(jobSchema.parse(JSON.parse(first.text)).state).toBe('cancelled');
    expect(problemDetail(second, 409, 'conflict')).toMatch(/\.$/);
  });
});

describe('The list of jobs', () => {
  test('goes page by page, newest first, by the links it gives', async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.unshift(await rig.makeJob());

    const seen: string[] = [];
    let path: string | undefined = '/v1/jobs?limit=2';
    while (path !== undefined) {
      const answer: Answer = await get(path);
      const page = jobListSchema.parse(JSON.parse(answer.text));
      seen.push(...page.jobs.map(({ id }) => id));
      const link = page.next === undefined ? undefined : `<${page.next}>; rel="next"`;
      expect(answer.headers.link).toBe(link);
      path = page.next;
    }

    expect(seen).toEqual(made);
  });

  test('can be limited to a state, also on the next pages', async () => {
    for (let count = 0; count < 3; count += 1) await rig.makeJob();
    const cancelled = await rig.makeJob();
    await call('POST', `/v1/jobs/${cancelled}/cancel`);

    const queued = jobListSchema.parse(
      JSON.parse((await get('/v1/jobs?state=queued&limit=2')).text),
    );

    expect(queued.jobs.map(({ state }) => state)).toEqual(['queued', 'queued']);
    expect(queued.next).toContain('state=queued');
    const ended = jobListSchema.parse(JSON.parse((await get('/v1/jobs?state=cancelled')).text));
    expect(ended.jobs.map(({ id }) => id)).toEqual([cancelled]);
  });

  test('can be limited to a tenant, also on the next pages', async () => {
    const own: string[] = [];
    for (let count = 0; count < 2; count += 1) {
      own.push(await rig.makeJob(undefined, '?tenant=acme'));
    }
    await rig.makeJob();

    const first = jobListSchema.parse(JSON.parse((await get('/v1/jobs?tenant=acme&limit=1')).text));
    const second = jobListSchema.parse(JSON.parse((await get(first.next ?? '')).text));

    expect(first.next).toContain('tenant=acme');
    expect([...second.jobs, ...first.jobs].map(({ id }) => id)).toEqual(own);
    expect(second.next).toBeUndefined();
  });

  test.each([
    ['tenant=A', '"tenant"'],
    ['limit=0', '"limit"'],
    ['limit=101', '"limit"'],
    ['limit=many', '"limit"'],
    ['state=done', 'queued, running'],
    ['stat=queued', '"stat"'],
    ['limit=1&limit=2', 'more than once'],
    [`after=${'x'.repeat(201)}`, '"after"'],
    ['__proto__=1', '"__proto__"'],
  ])('refuses %s by name', async (query, words) => {
    const answer = await get(`/v1/jobs?${query}`);

    expect(problemDetail(answer, 400, 'invalid_request')).toContain(words);
  });
});

describe('The service', () => {
  test('lists its pipelines', async () => {
    const { pipelines } = pipelineListSchema.parse(JSON.parse((await get('/v1/pipelines')).text));

    expect(pipelines.map(({ name }) => name)).toEqual(['standard', 'audio']);
    expect(pipelines[0]?.nodes[1]).toEqual({ id: 'encode', kind: 'test', needs: ['validate'] });
  });

  test('says that it lives, and whether it is ready', async () => {
    let ready: ReturnType<typeof err<ReturnType<typeof failure>>> | ReturnType<typeof ok<void>> =
      err(failure('resource', 'ffmpeg is missing.', '/usr/bin/ffmpeg'));
    await using other = await ApiRig.start({ readiness: () => ready });

    expect((await other.send({ path: '/healthz' })).status).toBe(200);
    const refused = await other.send({ path: '/readyz' });
    expect(problemDetail(refused, 503, 'unavailable')).toBe('ffmpeg is missing.');
    expect(refused.headers['retry-after']).toBe('10');
    ready = ok(undefined);
    expect((await other.send({ path: '/readyz' })).status).toBe(200);
  });

  test('knows no other address', async () => {
    for (const path of ['/', '/v1', '/v2/jobs', '/V1/jobs', '/v1/jobs/a/b/c/d', '/favicon.ico']) {
      expect(problemDetail(await get(path), 404, 'not_found')).toMatch(/\.$/);
    }
  });

  test.each([
    ['PUT', '/v1/jobs', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/healthz', 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/pipelines', 'GET, HEAD, OPTIONS'],
    ['PATCH', `/v1/jobs/${newJobId()}`, 'GET, HEAD, DELETE, OPTIONS'],
    ['GET', `/v1/jobs/${newJobId()}/cancel`, 'POST, OPTIONS'],
  ])('refuses %s %s with the methods there are', async (method, path, allow) => {
    const answer = await call(method, path);

    expect(problemDetail(answer, 405, 'method_not_allowed')).toContain(method);
    expect(answer.headers.allow).toBe(allow);
  });

  test('answers OPTIONS with the methods there are', async () => {
    const answer = await call('OPTIONS', '/v1/jobs');

    expect([answer.status, answer.headers.allow]).toEqual([204, 'GET, HEAD, POST, OPTIONS']);
  });

  test('refuses an address that is not text', async () => {
    expect(problemDetail(await get('/v1/jobs/%ff'), 400, 'invalid_request')).toMatch(/\.$/);
  });

  test('marks every answer as nothing to guess about, and names no software', async () => {
    for (const path of ['/healthz', '/v1/jobs', '/nowhere']) {
      const { headers } = await get(path);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-powered-by']).toBeUndefined();
    }
  });

  test('closes the connection behind a body that nobody asked for', async () => {
    const jobId = await rig.makeJob();

    const answer = await call('POST', `/v1/jobs/${jobId}/cancel`, '{"why":"changed my mind"}');

    expect([answer.status, answer.headers.connection]).toEqual([200, 'close']);
  });

  test('answers a bug with 500, tells the log and nobody else', async () => {
    const lines: string[] = [];
    const note = (fields: object): void => void lines.push(JSON.stringify(fields));
    const logger: Logger = {
      debug() {},
      info() {},
      warn: note,
      error: note,
      child: () => logger,
    };
    await using broken = await ApiRig.start({ logger });
    broken.service.list = () => Promise.reject(new Error('no such table: jobs in /srv/data'));
    const answer = await broken.send({ path: '/v1/jobs' });

    expect(problemDetail(answer, 500, 'internal')).toMatch(/\.$/);
    expect(answer.text).not.toMatch(/table|srv|Error:/);
    expect(lines.join('\n')).toContain('no such table');
  });
});
