import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import type { Failure } from '../../../src/base/failure.ts';
import { attemptsMax, fetchModel, type FetchControl } from '../../../src/speech/fetch-model.ts';
import type { PublishedModel } from '../../../src/speech/model-catalog.ts';
import { stallMs } from '../../../src/speech/model-download.ts';
import {
  answerStatus,
  ignoreRange,
  ModelServer,
  redirectTo,
  serveFile,
  stallAfter,
} from '../../support/model-server.ts';
import { createTempDirectory, type TempDirectory } from '../../support/temp-directory.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';

/** Every byte differs from its neighbors, so that a shifted or doubled piece changes the digest. */
const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251));

const model: PublishedModel = {
  name: 'small-talk',
  fileName: 'ggml-small-talk.bin',
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
  path: 'somebody/models/resolve/main/ggml-small-talk.bin',
};

let server: ModelServer;
let temp: TempDirectory;
let directory: string;
let path: string;
let partPath: string;

beforeEach(async () => {
  server = await ModelServer.start(serveFile(content));
  temp = await createTempDirectory();
  directory = join(temp.path, 'models');
  path = join(directory, model.fileName);
  partPath = `${path}.part`;
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

/** What a fetch told its caller on the way. */
interface Notes {
  readonly progress: number[];
  readonly retries: Failure[];
}

interface Variation {
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly baseUrl?: string;
  readonly model?: Partial<PublishedModel>;
  /** The connection is cut when so many bytes are on disk, once each. */
  readonly cutAt?: readonly number[];
  onProgress?(bytesDone: number): void;
}

/** Fetches over a clock that stands still, except that waits before another attempt pass at once. */
async function run(variation: Variation = {}) {
  const clock = new ManualClock();
  const notes: Notes = { progress: [], retries: [] };
  const cuts = new Set(variation.cutAt);
  const control: FetchControl = {
    signal: variation.signal ?? new AbortController().signal,
    clock: variation.clock ?? clock,
    onProgress(bytesDone) {
      notes.progress.push(bytesDone);
      variation.onProgress?.(bytesDone);
      if (cuts.delete(bytesDone)) server.cut();
    },
    onRetry(reason, delayMs) {
      notes.retries.push(reason);
      queueMicrotask(() => {
        const used = variation.clock ?? clock;
        if (used instanceof ManualClock) used.advance(delayMs);
      });
    },
  };
  const baseUrl = variation.baseUrl ?? server.url;
  const result = await fetchModel(
    { model: { ...model, ...variation.model }, directory, baseUrl },
    control,
  );
  expect(clock.pending).toBe(0);
  return { result, ...notes };
}

async function putPart(bytes: Buffer): Promise<void> {
  await mkdir(directory);
  await writeFile(partPath, bytes);
}

/** The files of the directory, without the lock's. */
async function files(): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => name !== '.fetch.lock').sort();
}

async function expectFetched(): Promise<void> {
  expect(await files()).toEqual([model.fileName]);
  expect((await readFile(path)).equals(content)).toBe(true);
}

describe('a fetch', () => {
  test('brings the file under its name, and nothing else', async () => {
    const { result, progress, retries } = await run();
    expect(result).toEqual({ ok: true, value: { path, wasThere: false } });
    await expectFetched();
    expect(server.requests).toEqual([{ path: `/${model.path}` }]);
    expect([progress[0], progress.at(-1), retries.length]).toEqual([0, content.length, 0]);
  });

  test('leaves a file alone that is right, without asking anybody', async () => {
    await run();
    const { result } = await run();
    expect(result).toEqual({ ok: true, value: { path, wasThere: true } });
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['a short copy', content.subarray(0, 100)],
    ['other bytes of the same size', Buffer.alloc(content.length)],
  ])('replaces %s', async (_what, bytes) => {
    await mkdir(directory);
    await writeFile(path, bytes);
    const { result } = await run();
    expect(result).toMatchObject({ ok: true, value: { wasThere: false } });
    await expectFetched();
  });

  test('follows redirects, and asks for the same range there', async () => {
    await putPart(content.subarray(0, 1000));
    server.queue(redirectTo(`${server.url}/elsewhere`));
    const { result } = await run();
    expect(result.ok).toBe(true);
    await expectFetched();
    expect(server.requests).toEqual([
      { path: `/${model.path}`, range: 'bytes=1000-' },
      { path: '/elsewhere', range: 'bytes=1000-' },
    ]);
  });

  test('keeps the path of a mirror that has one', async () => {
    await run({ baseUrl: `${server.url}/mirror/` });
    expect(server.requests).toEqual([{ path: `/mirror/${model.path}` }]);
  });
});

describe('a fetch that is cut off', () => {
  test('goes on with the bytes that are missing, if the file is still the same', async () => {
    server.queue(stallAfter(content, 100_000), stallAfter(content, 50_000));
    const { result, retries } = await run({ cutAt: [100_000, 150_000] });
    expect(result.ok).toBe(true);
    await expectFetched();
    expect(retries.map(({ code }) => code)).toEqual(['lost', 'lost']);
    const [first, second, third] = server.requests;
    expect(first?.range).toBeUndefined();
    expect(second).toMatchObject({ range: 'bytes=100000-', ifRange: '"one"' });
    expect(third).toMatchObject({ range: 'bytes=150000-', ifRange: '"one"' });
  });

  test('starts over when the file has changed in between', async () => {
    const before = Buffer.alloc(content.length, 1);
    server.queue(stallAfter(before, 100_000, '"before"'));
    const { result, progress } = await run({ cutAt: [100_000] });
    expect(result.ok).toBe(true);
    await expectFetched();
    expect(progress.filter((bytes) => bytes === 0)).toHaveLength(2);
  });

  test('starts over when the server does not know ranges', async () => {
    server.queue(stallAfter(content, 100_000), ignoreRange(content));
    const { result } = await run({ cutAt: [100_000] });
    expect(result.ok).toBe(true);
    await expectFetched();
    expect(server.requests).toHaveLength(2);
  });

  test('does not trust a weak entity tag', async () => {
    server.queue(stallAfter(content, 1000, 'W/"one"'));
    await run({ cutAt: [1000] });
    expect(server.requests[1]).toMatchObject({ range: 'bytes=1000-' });
    expect(server.requests[1]).not.toHaveProperty('ifRange');
    await expectFetched();
  });

  test('is given up after a number of attempts, and the next one goes on', async () => {
    server.always(stallAfter(content, 10_000));
    const cutAt = Array.from({ length: attemptsMax }, (_, index) => (index + 1) * 10_000);
    const { result, retries } = await run({ cutAt });
    expect(result).toMatchObject({ ok: false, error: { code: 'lost' } });
    expect([server.requests.length, retries.length]).toEqual([attemptsMax, attemptsMax - 1]);
    expect(await files()).toEqual([`${model.fileName}.part`]);
    server.always(serveFile(content));
    expect((await run()).result.ok).toBe(true);
    expect(server.requests.at(-1)?.range).toBe(`bytes=${attemptsMax * 10_000}-`);
    await expectFetched();
  });
});

describe('a fetch after one that was ended', () => {
  test('goes on where that one was', async () => {
    const ending = new AbortController();
    server.queue(stallAfter(content, 100_000));
    const ended = await run({
      signal: ending.signal,
      onProgress: (bytesDone) => {
        if (bytesDone === 100_000) ending.abort();
      },
    });
    expect(ended.result).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(await files()).toEqual([`${model.fileName}.part`]);
    const { result, progress } = await run();
    expect(result.ok).toBe(true);
    expect(server.requests[1]?.range).toBe('bytes=100000-');
    expect(progress[0]).toBe(100_000);
    await expectFetched();
  });

  test('only checks the bytes when all are there', async () => {
    await putPart(content);
    expect((await run()).result.ok).toBe(true);
    expect(server.requests).toEqual([]);
    await expectFetched();
  });

  test('starts over when more is there than the model has', async () => {
    await putPart(Buffer.concat([content, Buffer.from('more')]));
    expect((await run()).result.ok).toBe(true);
    expect(server.requests[0]).not.toHaveProperty('range');
    await expectFetched();
  });

  test('starts over when the server says that there is no such range', async () => {
    await putPart(content.subarray(0, 1000));
    server.queue(answerStatus(416));
    expect((await run()).result.ok).toBe(true);
    expect(server.requests[1]).not.toHaveProperty('range');
    await expectFetched();
  });

  test('ends at once while it waits for another attempt', async () => {
    const ending = new AbortController();
    const clock = new ManualClock();
    server.always(answerStatus(500));
    const result = await fetchModel(
      { model, directory, baseUrl: server.url },
      {
        signal: ending.signal,
        clock,
        onProgress() {},
        onRetry: () => queueMicrotask(() => ending.abort()),
      },
    );
    expect(result).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect([server.requests.length, clock.pending]).toEqual([1, 0]);
  });
});

describe('a silent server', () => {
  test('is left, and what it sent is kept', async () => {
    const clock = new ManualClock();
    server.queue(stallAfter(content, 100_000));
    const { result, retries } = await run({
      clock,
      onProgress: (bytesDone) => {
        if (bytesDone === 100_000 && server.requests.length === 1) clock.advance(stallMs);
      },
    });
    expect(result.ok).toBe(true);
    expect(retries.map(({ code }) => code)).toEqual(['stalled']);
    expect(server.requests[1]?.range).toBe('bytes=100000-');
    expect(clock.pending).toBe(0);
    await expectFetched();
  });

  test('that never answers is given up', async () => {
    const clock = new ManualClock();
    server.always(() => clock.advance(stallMs));
    const { result } = await run({ clock });
    expect(result).toMatchObject({ ok: false, error: { code: 'stalled' } });
    expect([server.requests.length, clock.pending]).toEqual([attemptsMax, 0]);
  });

  test('is waited for as long as something comes now and then', async () => {
    const clock = new ManualClock();
    const { result, retries, progress } = await run({
      clock,
      onProgress: () => clock.advance(stallMs - 1),
    });
    expect(result.ok).toBe(true);
    expect(progress.length).toBeGreaterThan(2);
    expect(retries).toEqual([]);
  });
});

describe('a wrong answer', () => {
  test('of other bytes is refused and deleted', async () => {
    server.always(serveFile(Buffer.alloc(content.length, 7)));
    const { result } = await run();
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_output' } });
    expect(!result.ok && result.error.message).toMatch(/SHA-256/);
    expect(await files()).toEqual([]);
  });

  test('of another size is refused before it is read', async () => {
    server.always(serveFile(content.subarray(0, 200_000)));
    const { result, progress } = await run();
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_output' } });
    expect([server.requests.length, progress.length]).toEqual([1, 0]);
  });

  test('that does not end is cut off at the size of the model', async () => {
    server.always((_request, response) => {
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write(content));
      };
      response.on('drain', pour);
      pour();
    });
    const { result, progress } = await run();
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_output' } });
    expect(Math.max(...progress)).toBeLessThanOrEqual(content.length);
    expect((await readFile(partPath)).length).toBe(0);
  });

  test('of another part than was asked for is refused', async () => {
    await putPart(content.subarray(0, 1000));
    server.always((_request, response) => {
      const range = `bytes 500-${content.length - 1}/${content.length}`;
      response.writeHead(206, { 'content-range': range }).end(content.subarray(500));
    });
    const { result } = await run();
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_output' } });
    expect((await readFile(partPath)).length).toBe(1000);
  });

  test.each([
    { what: 'a page', answer: answerStatus(200, 'text/html'), says: /invalid_output: .* web page/ },
    {
      what: 'not found',
      answer: answerStatus(404),
      says: /not_found: .* does not have this model/,
    },
    { what: 'forbidden', answer: answerStatus(403), says: /unavailable: .*HTTP 403/ },
    { what: 'no range', answer: answerStatus(416), says: /unavailable: .* the rest of the file/ },
  ])('of $what is final', async ({ answer, says }) => {
    server.always(answer);
    const { result } = await run();
    expect(!result.ok && `${result.error.code}: ${result.error.message}`).toMatch(says);
    expect(server.requests).toHaveLength(1);
  });

  test('of trouble on its side is waited out', async () => {
    server.queue(answerStatus(500), answerStatus(503), answerStatus(429));
    const { result, retries } = await run();
    expect(result.ok).toBe(true);
    expect(retries.map(({ code }) => code)).toEqual(['unavailable', 'unavailable', 'unavailable']);
  });

  test('of trouble that does not end is final', async () => {
    server.always(answerStatus(502));
    expect((await run()).result).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    expect(server.requests).toHaveLength(attemptsMax);
  });
});

describe('a fetch that cannot be', () => {
  test('says that the server is out of reach, at once', async () => {
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const { result, retries } = await run({ baseUrl: url });
    server = await ModelServer.start(serveFile(content));
    expect(result).toMatchObject({ ok: false, error: { code: 'lost' } });
    expect(!result.ok && result.error.message).toMatch(/cannot be reached/);
    expect(retries).toEqual([]);
  });

  test.each(['not an address', 'ftp://127.0.0.1', ''])(
    'refuses the address %j',
    async (baseUrl) => {
      const { result } = await run({ baseUrl });
      expect(result).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
    },
  );

  test('says that the disk has no room, before anything is asked for', async () => {
    const { result } = await run({ model: { bytes: 2 ** 52 } });
    expect(result).toMatchObject({ ok: false, error: { code: 'resource' } });
    expect(server.requests).toEqual([]);
  });

  test('says that the disk is full', async () => {
    await mkdir(directory);
    await symlink('/dev/full', partPath);
    const { result } = await run();
    expect(result).toMatchObject({ ok: false, error: { code: 'resource' } });
    expect(!result.ok && result.error.message).toMatch(/disk is full/);
  });

  test('says that the directory cannot be used', async () => {
    await writeFile(directory, 'a file');
    const { result } = await run();
    expect(result).toMatchObject({ ok: false, error: { code: 'storage' } });
  });
});

describe('two fetches at once', () => {
  test('do not disturb each other: the second one is refused', async () => {
    const halfway = Promise.withResolvers<void>();
    let finish = (): void => {};
    server.queue((_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000));
      finish = () => response.end(content.subarray(1000));
    });
    const first = run({
      clock: systemClock,
      onProgress: (bytesDone) => {
        if (bytesDone === 1000) halfway.resolve();
      },
    });
    await halfway.promise;
    const second = await run();
    expect(second.result).toMatchObject({ ok: false, error: { code: 'conflict' } });
    finish();
    expect((await first).result.ok).toBe(true);
    await expectFetched();
  });
});
