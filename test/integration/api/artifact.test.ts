import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobSchema } from '../../../src/api/schema.ts';
import { failure } from '../../../src/base/failure.ts';
import { mebibyte } from '../../../src/base/units.ts';
import { err, ok } from '../../../src/base/result.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';
import type { FakeFile } from '../../fakes/fake-job-service.ts';
import { ApiRig, once, problemDetail, until, type Answer } from './api-rig.ts';

let rig: ApiRig;
let jobId: string;
const content = randomBytes(1000);
const etag = `"${createHash('sha256').update(content).digest('hex')}"`;

beforeEach(async () => {
  rig = await ApiRig.start();
  jobId = await makeProduct(rig, content);
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

async function makeProduct(target: ApiRig, bytes: Buffer): Promise<string> {
  const id = await target.makeJob();
  target.service.start(id, 'validate');
  const files: readonly FakeFile[] = [
    { name: '720p.mp4', content: bytes },
    { name: 'captions.vtt', content: bytes, mediaType: 'text/vtt', role: 'captions' },
    { name: 'speech.wav', content: bytes, mediaType: 'audio/wav', role: 'speech', product: false },
  ];
  target.service.succeed(id, 'validate', { files });
  return id;
}

async function fetchPart(headers = {}, options = {}): Promise<Answer> {
  return rig.send({ path: `/v1/jobs/${jobId}/artifacts/720p.mp4`, headers, ...options });
}

test('A product is listed with the address it has', async () => {
  const job = jobSchema.parse(JSON.parse((await rig.send({ path: `/v1/jobs/${jobId}` })).text));

  expect(job.artifacts.map(({ name }) => name)).toEqual(['720p.mp4', 'captions.vtt']);
  const answer = await rig.send({ path: job.artifacts[0]?.url });
  expect(answer.content).toEqual(content);
});

describe('A whole product', () => {
  test('comes with everything that a careful client wants to know', async () => {
    const answer = await fetchPart();

    expect([answer.status, answer.content]).toEqual([200, content]);
    expect(answer.headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': '1000',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-disposition': 'inline; filename="720p.mp4"',
      'content-security-policy':
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; " +
        'sandbox allow-same-origin',
      'cache-control': 'private, max-age=86400, immutable',
      etag,
    });
  });

  test('is text in UTF-8 when it is text', async () => {
    const answer = await rig.send({ path: `/v1/jobs/${jobId}/artifacts/captions.vtt` });

    expect(answer.headers['content-type']).toBe('text/vtt; charset=utf-8');
  });

  test('shows its headers to HEAD and is not opened for it', async () => {
    const whole = await fetchPart();
    rig.service.openArtifact = () => Promise.reject(new Error('not for HEAD'));

    const answer = await fetchPart({ Range: 'bytes=0-1' }, { method: 'HEAD' });

    expect([answer.status, answer.content.length]).toEqual([200, 0]);
    for (const name of ['content-length', 'content-type', 'etag', 'accept-ranges']) {
      expect(answer.headers[name]).toBe(whole.headers[name]);
    }
  });

  test.each([etag, `W/${etag}`, '*', `"other", ${etag}`])(
    'is not sent again to a client that has %s',
    async (tag) => {
      const answer = await fetchPart({ 'If-None-Match': tag, Range: 'bytes=0-1' });

      expect([answer.status, answer.content.length]).toEqual([304, 0]);
      expect(answer.headers.etag).toBe(etag);
      expect(rig.service.openBodies.size).toBe(0);
    },
  );

  test('is sent to a client that has another one', async () => {
    expect((await fetchPart({ 'If-None-Match': '"other"' })).status).toBe(200);
  });
});

describe('A range', () => {
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-499', 0, 499],
    ['bytes=500-', 500, 999],
    ['bytes=999-', 999, 999],
    ['bytes=-1', 999, 999],
    ['bytes=-5000', 0, 999],
    ['bytes=990-5000', 990, 999],
    ['bytes=0-99999999999999999999', 0, 999],
    ['BYTES=10-19', 10, 19],
  ])('%s gives that part', async (range, first, last) => {
    const answer = await fetchPart({ Range: range });

    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes ${first}-${last}/1000`);
    expect(answer.headers['content-length']).toBe(String(last - first + 1));
    expect(answer.content).toEqual(content.subarray(first, last + 1));
  });

  test.each(['bytes=1000-', 'bytes=5000-6000', 'bytes=-0', 'bytes=99999999999999999999-'])(
    '%s lies outside',
    async (range) => {
      const answer = await fetchPart({ Range: range });

      expect(problemDetail(answer, 416, 'range_not_satisfiable')).toMatch(/\.$/);
      expect(answer.headers['content-range']).toBe('bytes */1000');
      expect(answer.headers.etag).toBeUndefined();
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    },
  );

  test.each(['bytes=0-1,5-6', 'bytes=5-2', 'bytes=-', 'bytes=a-b', 'lines=0-1', 'bytes', '0-5'])(
    '%s is ignored',
    async (range) => {
      const answer = await fetchPart({ Range: range });

      expect([answer.status, answer.content.length]).toEqual([200, 1000]);
    },
  );

  test('counts only while the client has the present copy', async () => {
    const range = { Range: 'bytes=0-9' };

    expect((await fetchPart({ ...range, 'If-Range': etag })).status).toBe(206);
    expect((await fetchPart({ ...range, 'If-Range': '"other"' })).status).toBe(200);
    expect((await fetchPart({ ...range, 'If-Range': `W/${etag}` })).status).toBe(200);
    const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
    expect((await fetchPart({ ...range, 'If-Range': date })).status).toBe(200);
  });
});

describe('What is not a product', () => {
  test.each(['speech.wav', 'manifest.json', '..', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', 'a%00b'])(
    'such as %s is not found',
    async (name) => {
      const answer = await rig.send({ path: `/v1/jobs/${jobId}/artifacts/${name}` });

      expect(problemDetail(answer, 404, 'not_found')).toMatch(/\.$/);
      expect(answer.headers.etag).toBeUndefined();
    },
  );

  test('because the storage lost it is a 500 without details', async () => {
    rig.service.openArtifact = async () =>
      err(failure('internal', 'The product cannot be read.', 'EIO at /srv/products'));

    const answer = await fetchPart();

    expect(problemDetail(answer, 500, 'internal')).toBe('The product cannot be read.');
    expect(answer.headers['content-security-policy']).toBeUndefined();
    expect(answer.text).not.toContain('srv');
  });

  test('because it has another size than it should is not sent', async () => {
    const openArtifact = rig.service.openArtifact.bind(rig.service);
    rig.service.openArtifact = async (...wanted) => {
      const opened = await openArtifact(...wanted);
      if (!opened.ok) return opened;
      return ok({ ...opened.value, object: { ...opened.value.object, bytes: 999 } });
    };

    expect(problemDetail(await fetchPart(), 500, 'internal')).toMatch(/\.$/);
    await until(() => rig.service.openBodies.size === 0);
  });
});

describe('A client that does not read on', () => {
  const large = Buffer.alloc(32 * mebibyte);

  test('ends the reading by going away', async () => {
    const id = await makeProduct(rig, large);
    const socket = await rig.dial();
    socket.pause();
    socket.write(`GET /v1/jobs/${id}/artifacts/720p.mp4 HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => rig.service.openBodies.size === 1);

    socket.destroy();

    await until(() => rig.service.openBodies.size === 0);
    expect((await rig.send({ path: '/healthz' })).status).toBe(200);
  });

  test('is cut after five minutes', async () => {
    const clock = new ManualClock();
    await using other = await ApiRig.start({ clock });
    const id = await makeProduct(other, large);
    const socket = await other.dial();
    const closed = once(socket, 'close');
    socket.pause();
    socket.write(`GET /v1/jobs/${id}/artifacts/720p.mp4 HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => other.service.openBodies.size === 1);
    // The first look finds progress since the start, the second one none.
    await until(() => [...other.service.openBodies].some((body) => body.readableFlowing === false));
    clock.advance(5 * 60_000);
    clock.advance(5 * 60_000);

    await until(() => other.service.openBodies.size === 0);
    socket.resume();
    await closed;
    expect(clock.pending).toBe(0);
  });
});
