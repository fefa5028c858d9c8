import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestListener } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startServer, type RunningServer } from '../../../src/api/server.ts';
import { mebibyte } from '../../../src/base/units.ts';
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

describe.each(['drain', 'close'] as const)('A server that is told to %s', (how) => {
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  /** How far into the headers a slow client gets. */
  const half = 20;

  test('cuts connections that have said nothing since their last answer', async () => {
    await using server = await Listening.start((_request, response) => response.end('told'));
    const [silent, answered] = [await server.dial(), await server.dial()];
    const told = [readAll(silent), readAll(answered)];
    await server.send(answered, get);
    await until(() => server.answered === 1);

    const ended = server.running[how]();

    expect(await Promise.all(told)).toEqual(['', expect.stringContaining('told')]);
    await ended;
  });

  test('answers a request whose headers have begun to come, and closes behind it', async () => {
    await using server = await Listening.start((_request, response) => response.end('told'));
    const [first, second] = [await server.dial(), await server.dial()];
    const told = [readAll(first), readAll(second)];
    await server.send(second, get);
    await until(() => server.answered === 1);
    for (const socket of [first, second]) await server.send(socket, get.slice(0, half));

    const ended = server.running[how]();
    for (const socket of [first, second]) socket.write(get.slice(half));

    const closedBehind = /HTTP\/1\.1 200 OK\r\nConnection: close\r\n[^]*told$/;
    for (const text of await Promise.all(told)) expect(text).toMatch(closedBehind);
    expect(server.answered).toBe(3);
    await ended;
  });

  test('lets an answer that is written be read to its end', async () => {
    const bytes = 20 * mebibyte;
    await using server = await Listening.start((_request, response) =>
      response.end(Buffer.alloc(bytes)),
    );
    const socket = await server.dial();
    await server.send(socket, get);
    await until(() => server.begun === 1);

    const ended = server.running[how]();

    expect((await readAll(socket)).length).toBeGreaterThan(bytes);
    await ended;
  });
});

/** A server on its own, with what it has got and answered so far. */
class Listening implements AsyncDisposable {
  /** Requests whose headers came. */
  begun = 0;
  /** Requests whose answer is over. */
  answered = 0;
  #running: RunningServer | undefined;
  readonly #dialled: Socket[] = [];
  /** The server's sides of all connections. */
  readonly #sides: Socket[] = [];

  static async start(app: RequestListener): Promise<Listening> {
    const server = new Listening();
    subscribe(newSides, server.#noteSide);
    const started = await startServer(
      (request, response) => {
        server.begun += 1;
        response.once('close', () => (server.answered += 1));
        app(request, response);
      },
      { host: '127.0.0.1', port: 0 },
    );
    if (!started.ok) throw new Error(started.error.message);
    server.#running = started.value;
    return server;
  }

  get running(): RunningServer {
    if (this.#running === undefined) throw new Error('it has not started');
    return this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unsubscribe(newSides, this.#noteSide);
    for (const socket of this.#dialled) socket.destroy();
    await this.running.close();
  }

  async dial(): Promise<Socket> {
    const socket = connect(Number(new URL(this.running.url).port), '127.0.0.1');
    socket.on('error', () => {});
    this.#dialled.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** Sends so much, and waits until the server has read it. */
  async send(socket: Socket, text: string): Promise<void> {
    await until(() => this.#sideOf(socket) !== undefined);
    const bytes = (this.#sideOf(socket)?.bytesRead ?? 0) + text.length;
    socket.write(text);
    await until(() => this.#sideOf(socket)?.bytesRead === bytes);
  }

  #sideOf({ localPort }: Socket): Socket | undefined {
    return this.#sides.find(({ remotePort }) => remotePort === localPort);
  }

  readonly #noteSide = (message: unknown): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the channel is for
    this.#sides.push((message as { readonly socket: Socket }).socket);
  };
}

/** Where Node tells of the connections that its servers take. */
const newSides = 'net.server.socket';

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
