import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobListSchema, jobSchema } from '../../../src/api/schema.ts';
import { ApiRig, once, problemDetail, until, type Answer } from './api-rig.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await ApiRig.start();
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

function remove(jobId: string): Promise<Answer> {
  return rig.send({ method: 'DELETE', path: `/v1/jobs/${jobId}` });
}

describe('Deleting a job', () => {
  test('answers 204 with nothing, and 404 from then on', async () => {
    const job = await rig.makeJob();

    const answer = await remove(job);

    expect([answer.status, answer.text]).toEqual([204, '']);
    for (const path of [
      `/v1/jobs/${job}`,
      `/v1/jobs/${job}/events`,
      `/v1/jobs/${job}/artifacts/a`,
    ]) {
      problemDetail(await rig.send({ path }), 404, 'not_found');
    }
    problemDetail(await remove(job), 404, 'not_found');
    const list = jobListSchema.parse(JSON.parse((await rig.send({ path: '/v1/jobs' })).text));
    expect(list.jobs).toEqual([]);
  });

  test('answers 202 while what it runs still ends', async () => {
    rig.service.deletion = 'removing';

    expect((await remove(await rig.makeJob())).status).toBe(202);
  });

  test('ends the event streams of its followers', async () => {
    const job = await rig.makeJob();
    const socket = await rig.dial();
    socket.write(
      `GET /v1/jobs/${job}/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    await until(() => rig.service.followers === 1);
    const closed = once(socket, 'close');
    socket.resume();

    await remove(job);

    await closed;
    expect(rig.service.followers).toBe(0);
  });

  test('is among the methods that the address names', async () => {
    const job = await rig.makeJob();

    const answer = await rig.send({ method: 'PATCH', path: `/v1/jobs/${job}` });

    problemDetail(answer, 405, 'method_not_allowed');
    expect(answer.headers.allow).toBe('GET, HEAD, DELETE, OPTIONS');
  });
});

describe('A job whose files expire', () => {
  const hour = 60 * 60 * 1000;

  test('tells when they go, and until when it can be retried', async () => {
    await using limited = await ApiRig.start({
      retention: { sourceMs: hour, productsMs: 24 * hour, keysMs: hour },
    });
    const id = await limited.makeJob();
    const before = await viewOf(limited, id);
    expect(before).not.toHaveProperty('sourceExpiresAt');
    await limited.send({ method: 'POST', path: `/v1/jobs/${id}/cancel` });

    const { endedAt = '', sourceExpiresAt = '', expiresAt = '' } = await viewOf(limited, id);

    expect(Date.parse(sourceExpiresAt) - Date.parse(endedAt)).toBe(hour);
    expect(Date.parse(expiresAt) - Date.parse(endedAt)).toBe(24 * hour);
  });

  test('tells when its upload went', async () => {
    const id = await rig.makeJob();
    rig.service.expire(id, { sourceRemovedAtMs: 0 });

    const job = await viewOf(rig, id);

    expect(job).toMatchObject({ sourceExpiredAt: '1970-01-01T00:00:00.000Z' });
    expect(job).not.toHaveProperty('sourceExpiresAt');
    expect(job).not.toHaveProperty('expiredAt');
  });

  test('stays listed after its products went, which are 410 then', async () => {
    const id = await rig.makeJob();
    rig.service.start(id, 'validate');
    const content = Buffer.from('film');
    rig.service.succeed(id, 'validate', { files: [{ name: '720p.mp4', content }] });
    rig.service.expire(id, { sourceRemovedAtMs: 0, productsRemovedAtMs: 0 });

    const list = jobListSchema.parse(JSON.parse((await rig.send({ path: '/v1/jobs' })).text));
    expect(list.jobs).toMatchObject([{ id, expiredAt: '1970-01-01T00:00:00.000Z' }]);
    const path = `/v1/jobs/${id}/artifacts/720p.mp4`;
    expect(problemDetail(await rig.send({ path }), 410, 'expired')).toContain('retention');
    const missing = `/v1/jobs/${id}/artifacts/1080p.mp4`;
    problemDetail(await rig.send({ path: missing }), 404, 'not_found');
  });
});

async function viewOf(from: ApiRig, id: string) {
  return jobSchema.parse(JSON.parse((await from.send({ path: `/v1/jobs/${id}` })).text));
}
