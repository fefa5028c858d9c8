import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startServer } from '../../../src/api/server.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';
import { ApiRig, once, readAll, until } from './api-rig.ts';

const nothing = (): void => {};

describe('Listening', () => {
  test('on a port that is taken fails and names the setting', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    const started = await startServer(nothing, { host: '127.0.0.1', port });

    other.close();
    const message: unknown = expect.stringMatching(/taken.*--port \(REELGRAPH_PORT\)/);
    expect(started).toMatchObject({ ok: false, error: { code: 'resource', message } });
  });

  test('on an address that is not this host fails and names the setting', async () => {
    const started = await startServer(nothing, { host: '192.0.2.1', port: 0 });

    const message: unknown = expect.stringContaining('--host (REELGRAPH_HOST)');
    expect(started).toMatchObject({ ok: false, error: { code: 'resource', message } });
  });

  test('on every address is reached by the loopback one', async () => {
    const started = await startServer(nothing, { host: '0.0.0.0', port: 0 });

    if (!started.ok) throw new Error(started.error.message);
    expect(started.value.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await started.value.close();
  });
});

describe('A slow client', () => {
  test.each(['', 'GET /healthz HT', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: '])(
    'that gets no further than %j is cut',
    async (start) => {
      await using rig = await ApiRig.start({ server: { headersTimeoutMs: 100 } });
      const socket = await rig.dial();
      const answer = readAll(socket);
      if (start !== '') socket.write(start);

      expect(await answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
    },
  );
});

/** Sends one request line and gives the status of the answer. */
async function statusOf(rig: ApiRig, start: string, body = ''): Promise<string | undefined> {
  const socket = await rig.dial();
  const answer = readAll(socket);
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  socket.write(`${start} HTTP/1.1\r\nHost: x\r\n${length}Connection: close\r\n\r\n${body}`);
  return /^HTTP\/1\.1 (\d+) /.exec(await answer)?.[1];
}

describe('A target that is a whole address', () => {
  test.each(['http://a:999999', 'http://[', '//a:999999', 'http://a'])(
    'is read by its query alone: %s',
    async (origin) => {
      await using rig = await ApiRig.start();
      const id = await rig.makeJob();

      expect(await statusOf(rig, `GET ${origin}/v1/jobs`)).toMatch(/^(200|404)$/);
      expect(await statusOf(rig, `GET ${origin}/v1/jobs/${id}/events?after=x`)).toMatch(/^40[04]$/);
      expect(await statusOf(rig, `POST ${origin}/v1/jobs`, 'film')).toMatch(/^(201|404)$/);
    },
  );

  test('has the query that it ends with', async () => {
    await using rig = await ApiRig.start();
    expect(await statusOf(rig, 'GET http://a:999999/v1/jobs?limit=1')).toBe('200');
    expect(await statusOf(rig, 'GET http://a:999999/v1/jobs?limit=none')).toBe('400');
  });
});

test('Connections beyond the limit are closed unanswered', async () => {
  await using rig = await ApiRig.start({ server: { connectionsMax: 2 } });
  const held = [await rig.dial(), await rig.dial()];
  const third = await rig.dial();

  expect(await readAll(third)).toBe('');
  for (const socket of held) socket.destroy();
  await until(
    async () => (await rig.send({ path: '/healthz' }).catch(() => undefined))?.status === 200,
  );
});

test('Headers beyond 16 KiB are refused', async () => {
  await using rig = await ApiRig.start();

  const answer = await rig.send({ path: '/healthz', headers: { 'X-Long': 'x'.repeat(17_000) } });

  expect(answer.status).toBe(431);
});

describe('Closing', () => {
  test('lets an upload finish, closes its connection and takes no new ones', async () => {
    await using rig = await ApiRig.start();
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write('POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nfilm');
    await until(async () => (await rig.incoming()).length === 1);
    const idle = await rig.dial();
    const idleClosed = once(idle, 'close');

    // Only the server: the intake would end the upload.
    const closed = rig.closeServer();
    await idleClosed;
    await expect(rig.send({ path: '/healthz' })).rejects.toThrow('ECONNREFUSED');
    socket.write('film');

    expect(await answer).toMatch(/^HTTP\/1.1 201 [^]*Connection: close/);
    await closed;
  });

  test('cuts what is not done after the grace, and can be asked for twice', async () => {
    const clock = new ManualClock();
    await using rig = await ApiRig.start({ clock, server: { drainMs: 1_000 } });
    const socket = await rig.dial();
    const closed = once(socket, 'close');
    socket.write('POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nfilm');
    await until(async () => (await rig.incoming()).length === 1);

    const first = rig.closeServer();
    const second = rig.closeServer();
    clock.advance(1_000);

    await Promise.all([first, second, closed]);
    await until(async () => (await rig.incoming()).length === 0);
    expect(rig.service.submitted).toEqual([]);
  });

  test('ends an upload with 503 when the intake closes', async () => {
    await using rig = await ApiRig.start();
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write('POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nfilm');
    await until(async () => (await rig.incoming()).length === 1);

    const stopped = rig.stop();

    expect(await answer).toMatch(/^HTTP\/1.1 503 [^]*"code":"unavailable"/);
    await stopped;
    expect(await rig.incoming()).toEqual([]);
  });
});
