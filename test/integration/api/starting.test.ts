import { expect, test } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import { ApiRig, problemDetail } from './api-rig.ts';

const message = 'The service is starting. Try again in a moment.';

test('While jobs may not be changed, everything but reading is told to come back', async () => {
  let mayChange = true;
  const changes = () => (mayChange ? ok(undefined) : err(failure('unavailable', message)));
  await using rig = await ApiRig.start({ changes });
  const path = `/v1/jobs/${await rig.makeJob()}`;
  mayChange = false;

  for (const request of [
    { method: 'POST', path: '/v1/jobs' },
    { method: 'POST', path: `${path}/cancel` },
    { method: 'POST', path: `${path}/retry` },
    { method: 'DELETE', path },
  ]) {
    const answer = await rig.send(request);
    expect(problemDetail(answer, 503, 'unavailable')).toBe(message);
    expect(answer.headers['retry-after']).toBe('10');
  }

  const job = await rig.send({ path });
  expect(job.status).toBe(200);
  expect(JSON.parse(job.text)).toMatchObject({ state: 'queued' });
  expect((await rig.send({ path: '/v1/jobs' })).status).toBe(200);
  mayChange = true;
  expect((await rig.send({ method: 'POST', path: `${path}/cancel` })).status).toBe(200);
});
