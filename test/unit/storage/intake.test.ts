import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newJobId } from '../../../src/base/ids.ts';
import { gibibyte, mebibyte } from '../../../src/base/units.ts';
import {
  createIntake,
  discardUpload,
  receiveUpload,
  type UploadDestination,
} from '../../../src/storage/intake.ts';

let directory: string;
let jobId: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reelgraph-intake-'));
  jobId = newJobId();
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function destination(details: Partial<UploadDestination> = {}): UploadDestination {
  const { signal } = new AbortController();
  return { directory, jobId, name: 'film.mp4', bytesMax: 10_000, signal, ...details };
}

function streamOf(...chunks: readonly (string | Buffer)[]): Readable {
  return Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  );
}

async function left(): Promise<readonly string[]> {
  return readdir(join(directory, 'incoming')).catch(() => []);
}

describe('An upload', () => {
  test('ends as one private file under its job, with its size and checksum', async () => {
    const content = randomBytes(9_999);

    const received = await receiveUpload(
      streamOf(content.subarray(0, 10), content.subarray(10)),
      destination(),
    );

    const sha256 = createHash('sha256').update(content).digest('hex');
    const path = `incoming/${jobId}/in`;
    expect(received).toEqual({ ok: true, value: { name: 'film.mp4', bytes: 9_999, sha256, path } });
    expect(await readdir(join(directory, 'incoming', jobId))).toEqual(['in']);
    expect(await readFile(join(directory, path))).toEqual(content);
    expect((await stat(join(directory, path))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'incoming', jobId))).mode & 0o777).toBe(0o700);
  });

  test('may come from a local file', async () => {
    const path = join(directory, 'local.mp4');
    await writeFile(path, 'film');

    const received = await receiveUpload(createReadStream(path), destination());

    expect(received).toMatchObject({ ok: true, value: { bytes: 4 } });
  });

  test('from a file that is not there is refused without its path', async () => {
    const missing = createReadStream(join(directory, 'missing.mp4'));

    const received = await receiveUpload(missing, destination());

    const message: unknown = expect.not.stringContaining(directory);
    expect(received).toMatchObject({ ok: false, error: { code: 'invalid_request', message } });
    expect(await left()).toEqual([]);
  });

  test('never takes the place of another one', async () => {
    await receiveUpload(streamOf('first'), destination());

    const second = await receiveUpload(streamOf('second'), destination());

    expect(second).toMatchObject({ ok: false, error: { code: 'storage' } });
    expect(await readFile(join(directory, 'incoming', jobId, 'in'), 'utf8')).toBe('first');
  });

  test('does not follow a link that somebody put in its place', async () => {
    await mkdir(join(directory, 'incoming'));
    await mkdir(join(directory, 'elsewhere'));
    await symlink(join(directory, 'elsewhere'), join(directory, 'incoming', jobId));

    const received = await receiveUpload(streamOf('film'), destination());

    expect(received.ok).toBe(false);
    expect(await readdir(join(directory, 'elsewhere'))).toEqual([]);
  });
});

describe('A refused upload leaves nothing', () => {
  test('when it is empty', async () => {
    const received = await receiveUpload(streamOf(), destination());

    expect(received).toMatchObject({ ok: false, error: { code: 'empty' } });
    expect(await left()).toEqual([]);
  });

  test.each([
    [[Buffer.alloc(10_001)]],
    [[Buffer.alloc(10_000), 'x']],
    [Array.from({ length: 101 }, () => Buffer.alloc(100))],
  ])('when it is one byte too large', async (chunks) => {
    const received = await receiveUpload(streamOf(...chunks), destination());

    expect(received).toMatchObject({ ok: false, error: { code: 'limit_size' } });
    expect(await left()).toEqual([]);
  });

  test.each([
    ['#EXTM3U\n#EXT-X-STREAM-INF\n', 'playlist'],
    ['\ufeff\n #extm3u', 'playlist'],
    ['ffconcat version 1.0\nfile x', 'ffconcat'],
    ['<?xml version="1.0"?><MPD>', 'XML'],
    ['<MPD xmlns="urn">', 'DASH'],
    ['<svg onload="x">', 'SVG'],
    ['v=0\r\no=- 0 0 IN IP4 127.0.0.1', 'SDP'],
    ['<!DOCTYPE html><html>', 'web page'],
  ])('when it starts with %j, in one piece or byte by byte', async (text, kind) => {
    const whole = await receiveUpload(streamOf(text.padEnd(200)), destination());
    const bytes = Array.from(Buffer.from(text), (byte) => Buffer.from([byte]));
    const pieces = await receiveUpload(streamOf(...bytes), destination());

    const message: unknown = expect.stringContaining(kind);
    for (const received of [whole, pieces]) {
      expect(received).toMatchObject({ ok: false, error: { code: 'unsupported_format', message } });
    }
    expect(await left()).toEqual([]);
  });

  test('of a text before the rest of it is read', async () => {
    const source = new PassThrough();
    source.write('#EXTM3U'.padEnd(64));

    const received = await receiveUpload(source, destination());

    expect(received).toMatchObject({ ok: false, error: { code: 'unsupported_format' } });
    expect(source.destroyed).toBe(false);
    source.destroy();
  });

  test('when it is aborted before or while it comes in', async () => {
    const source = new PassThrough();
    source.write('film');
    const control = new AbortController();
    const receiving = receiveUpload(source, destination({ signal: control.signal }));
    await new Promise((resolve) => setImmediate(resolve));
    control.abort();
    const during = await receiving;
    const before = await receiveUpload(source, destination({ signal: control.signal }));

    for (const received of [during, before]) {
      expect(received).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    }
    expect(source.destroyed).toBe(false);
    expect(await left()).toEqual([]);
    source.destroy();
  });

  test('when its source breaks off', async () => {
    const source = new PassThrough();
    source.write('film');
    const receiving = receiveUpload(source, destination());
    source.destroy();

    expect(await receiving).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(await left()).toEqual([]);
  });

  test('when there is no room for it, before a byte is read', async () => {
    const source = streamOf('film');

    const received = await receiveUpload(
      source,
      destination({ bytesExpected: Number.MAX_SAFE_INTEGER }),
    );

    expect(received).toMatchObject({ ok: false, error: { code: 'storage' } });
    expect(source.readableDidRead).toBe(false);
    expect(await left()).toEqual([]);
  });

  test('when the disk is nearly full, although no size was announced', async () => {
    const source = streamOf('film');
    const space = { freeBytes: gibibyte - 1, totalBytes: 1000 * gibibyte };

    const received = await receiveUpload(
      source,
      destination({ readSpace: () => Promise.resolve(space) }),
    );

    expect(received).toMatchObject({ ok: false, error: { code: 'storage' } });
    expect(source.readableDidRead).toBe(false);
    expect(await left()).toEqual([]);
  });

  test('when the disk fills up while it comes in', async () => {
    let freeBytes = 30 * mebibyte;
    const readSpace = () => {
      const space = { freeBytes, totalBytes: 100 * mebibyte };
      freeBytes -= 20 * mebibyte;
      return Promise.resolve(space);
    };
    let sent = 0;
    function* chunks() {
      for (; sent < 100; sent += 1) yield Buffer.alloc(mebibyte, 1);
    }
    const source = Readable.from(chunks(), { objectMode: false });
    const bytesMax = 1000 * mebibyte;

    const received = await receiveUpload(source, destination({ bytesMax, readSpace }));

    expect(received).toMatchObject({ ok: false, error: { code: 'storage' } });
    expect(sent).toBeLessThan(50);
    expect(await left()).toEqual([]);
  });

  test('when the directory cannot be made', async () => {
    await writeFile(join(directory, 'incoming'), 'a file in the way');

    const received = await receiveUpload(streamOf('film'), destination());

    const message: unknown = expect.not.stringContaining(directory);
    expect(received).toMatchObject({ ok: false, error: { code: 'storage', message } });
  });
});

test('An id that is none is a bug, never a path', async () => {
  await expect(receiveUpload(streamOf('x'), destination({ jobId: '../x' }))).rejects.toThrow('id');
  await expect(discardUpload(directory, '../../etc')).rejects.toThrow('id');
});

test('Discarding removes an upload, and is a success when there is none', async () => {
  await receiveUpload(streamOf('film'), destination());

  expect(await discardUpload(directory, jobId)).toEqual({ ok: true, value: undefined });
  expect(await left()).toEqual([]);
  expect(await discardUpload(directory, jobId)).toEqual({ ok: true, value: undefined });
});

test('Closing an intake ends what is coming in, and waits until its files are gone', async () => {
  const intake = createIntake(directory);
  const source = new PassThrough();
  source.write('film');
  const receiving = intake.receive(source, destination());
  await new Promise((resolve) => setImmediate(resolve));

  await intake.close();

  expect(await left()).toEqual([]);
  expect(await receiving).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  const late = await intake.receive(source, destination({ jobId: newJobId() }));
  expect(late).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  source.destroy();
});
