import { readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import { failure } from '../../../src/base/failure.ts';
import { err } from '../../../src/base/result.ts';
import { mebibyte } from '../../../src/base/units.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';
import { ApiRig, formBody, formType, once, problemDetail, readAll, until } from './api-rig.ts';

/** Files under a directory that this process holds open; Linux only. */
async function openFiles(directory: string): Promise<readonly string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const targets = await Promise.all(
    descriptors.map((name) => readlink(join('/proc/self/fd', name)).catch(() => '')),
  );
  return targets.filter((target) => target.startsWith(directory));
}

/** The start of a form whose file is still to come. */
const formStart = formBody([{ disposition: 'name="file"; filename="a.mp4"', body: 'x' }])
  .toString()
  .split('\r\n\r\nx')[0];

/** The head of an upload that announces a mebibyte. */
function head(type: string): string {
  return `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 1000000\r\n\r\n`;
}

describe('Connections that drop in mid-body', () => {
  test.each([
    ['raw', head('video/mp4')],
    ['form', `${head(formType)}${formStart}\r\n\r\n`],
  ])('leave no file and no descriptor: 200 times %s', async (_, start) => {
    await using rig = await ApiRig.start({ limits: { uploadsMax: 256 } });
    const sockets = await Promise.all(Array.from({ length: 200 }, () => rig.dial()));
    for (const socket of sockets) socket.write(`${start}${'x'.repeat(5000)}`);
    await until(async () => (await rig.incoming()).length === 200);
    await until(async () => (await openFiles(rig.directory)).length === 200);

    for (const [index, socket] of sockets.entries()) {
      if (index % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
    }

    await until(async () => (await rig.incoming()).length === 0);
    await until(async () => (await openFiles(rig.directory)).length === 0);
    expect(rig.service.submitted).toEqual([]);
    expect((await rig.send({ path: '/healthz' })).status).toBe(200);
  });

  test('leave nothing either when the server is stopped meanwhile', async () => {
    await using rig = await ApiRig.start({ server: { drainMs: 0 } });
    const socket = await rig.dial();
    socket.write(`${head('video/mp4')}${'x'.repeat(5000)}`);
    await until(async () => (await rig.incoming()).length === 1);

    await rig.stop();

    expect(await rig.incoming()).toEqual([]);
  });
});

describe('A lying Content-Length', () => {
  test('that is longer than the body leaves nothing when the client ends', async () => {
    await using rig = await ApiRig.start();
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.end(`${head('video/mp4')}short`);

    expect(await answer).toMatch(/^HTTP\/1.1 400 /);
    await until(async () => (await rig.incoming()).length === 0);
    expect(rig.service.submitted).toEqual([]);
  });

  test('that is shorter makes no job: the rest is no request', async () => {
    await using rig = await ApiRig.start();
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write('POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nfilm and more');

    expect(await answer).toMatch(/^HTTP\/1.1 400 /);
    await until(async () => (await rig.incoming()).length === 0);
    expect(rig.service.submitted).toEqual([]);
  });

  test('together with chunks is refused', async () => {
    await using rig = await ApiRig.start();
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write(
      'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n',
    );

    expect(await answer).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe('A slow body', () => {
  test('is refused with 408 after half a minute below 16 KiB/s', async () => {
    const clock = new ManualClock();
    await using rig = await ApiRig.start({ clock });
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write(head('video/mp4'));
    await trickle(rig, clock, async (second) => {
      socket.write('x'.repeat(1000));
      await uploaded(rig, (second + 1) * 1000);
    });

    const linger = 2_000;
    await until(() => clock.pending === 1);
    clock.advance(linger);
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1.1 408 [^]*Connection: close[^]*"code":"timeout"/);
    expect(await rig.incoming()).toEqual([]);
  });

  test('is cut without ceremony when it stands still for half a minute', async () => {
    const clock = new ManualClock();
    await using rig = await ApiRig.start({ clock });
    const socket = await rig.dial();
    const closed = once(socket, 'close');
    socket.write(`${head(formType)}${formStart}\r\n\r\nxxx`);
    await until(async () => (await rig.incoming()).length === 1);
    clock.advance(5_000);
    clock.advance(29_999);
    expect((await rig.incoming()).length).toBe(1);

    clock.advance(5_000);

    await closed;
    await until(async () => (await rig.incoming()).length === 0);
    expect(clock.pending).toBe(0);
  });

  test('is fine as long as it is fast enough', async () => {
    const clock = new ManualClock();
    await using rig = await ApiRig.start({ clock });
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write(head('video/mp4').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await trickle(rig, clock, async (second) => {
      socket.write('x'.repeat(20_000));
      await uploaded(rig, (second + 1) * 20_000);
    });
    socket.write('x'.repeat(1_000_000 - 45 * 20_000));

    expect(await answer).toMatch(/^HTTP\/1.1 201 /);
    expect(clock.pending).toBe(0);
  });
});

/** Forty-five seconds, one by one. */
async function trickle(
  rig: ApiRig,
  clock: ManualClock,
  everySecond: (second: number) => Promise<void>,
): Promise<void> {
  for (let second = 0; second < 45; second += 1) {
    await everySecond(second);
    clock.advance(1_000);
    if ((await rig.incoming()).length === 0) return;
  }
}

/** Waits until the only upload has so many bytes on disk, or is gone. */
async function uploaded(rig: ApiRig, bytes: number): Promise<void> {
  await until(async () => {
    const [jobId] = await rig.incoming();
    if (jobId === undefined) return bytes > 20_000;
    const path = join(rig.directory, 'incoming', jobId, 'in.part');
    const facts = await stat(path).catch(() => undefined);
    return facts === undefined || facts.size >= bytes;
  });
}

describe('A client that expects 100 Continue', () => {
  test('gets leave and then its job', async () => {
    await using rig = await ApiRig.start();
    const socket = await rig.dial();
    const answer = readAll(socket);
    const continued = once(socket, 'data');
    socket.write(
      'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n' +
        'Connection: close\r\n\r\n',
    );
    await continued;
    socket.write('film');

    expect(await answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 /);
  });

  test('is refused before it sends a byte when the film is too large', async () => {
    await using rig = await ApiRig.start();
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write(
      'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n',
    );

    expect(await answer).toMatch(/^HTTP\/1.1 413 /);
  });
});

test('A refused client that is still sending gets to read the answer', async () => {
  await using rig = await ApiRig.start();
  const body = Readable.toWeb(Readable.from(zeros(8 * mebibyte)));

  const response = await fetch(`${rig.url}/v1/jobs`, { method: 'POST', body, duplex: 'half' });

  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ code: 'limit_size' });
  expect(await rig.incoming()).toEqual([]);
});

test('An upload that would not be taken is told so before its body is read', async () => {
  const message = 'The service is stopping. Try again in a moment.';
  const admission = () => err(failure('unavailable', message));
  await using rig = await ApiRig.start({ admission });
  const socket = await rig.dial();
  const answer = readAll(socket);

  socket.write(head('video/mp4'));

  const text = await answer;
  expect(text).toMatch(/^HTTP\/1.1 503 [^]*"code":"unavailable"/);
  expect(text).toMatch(/^Retry-After: \d+\r$/m);
  expect(text).toContain(message);
  expect(await rig.incoming()).toEqual([]);
});

test('More uploads than allowed are told to come back', async () => {
  await using rig = await ApiRig.start({ limits: { uploadsMax: 1 } });
  const socket = await rig.dial();
  socket.write(head('video/mp4'));
  await until(async () => (await rig.incoming()).length === 1);

  const refused = await rig.send({ method: 'POST', path: '/v1/jobs' }, 'film');
  expect(problemDetail(refused, 429, 'too_many_requests')).toMatch(/\.$/);
  expect(refused.headers['retry-after']).toBe('10');

  socket.destroy();
  await until(
    async () => (await rig.send({ method: 'POST', path: '/v1/jobs' }, 'film')).status === 201,
  );
});

test('An upload of 300 MB goes to disk without being held in memory', async () => {
  await using rig = await ApiRig.start({ limits: { uploadBytesMax: 1024 * mebibyte } });
  const bytes = 300 * mebibyte;
  // The first upload warms up whatever is allocated once.
  await rig.makeJob();
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const source = Readable.from(
    zeros(bytes, () => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }),
  );

  const response = await fetch(`${rig.url}/v1/jobs?name=zeros`, {
    method: 'POST',
    body: Readable.toWeb(source),
    duplex: 'half',
  });

  expect(response.status).toBe(201);
  const { upload } = required(rig.service.submitted[1], 'the submitted job');
  expect(upload.bytes).toBe(bytes);
  // The sender lives in this process too; both together stay far below the film.
  expect(peak - before).toBeLessThan(128 * mebibyte);
});

function* zeros(bytes: number, onChunk: () => void = () => {}): Generator<Uint8Array> {
  const chunk = new Uint8Array(64 * 1024);
  for (let sent = 0; sent < bytes; sent += chunk.length) {
    onChunk();
    yield chunk;
  }
}
