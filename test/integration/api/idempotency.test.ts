import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { jobSchema } from '../../../src/api/schema.ts';
import { failure } from '../../../src/base/failure.ts';
import {
  ApiRig,
  formBody,
  formType,
  problemDetail,
  readAll,
  until,
  type Answer,
} from './api-rig.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await ApiRig.start();
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const film = Buffer.from('\0\0\0\x20ftypisom and then some film');
const digest = `sha-256=:${createHash('sha256').update(film).digest('base64')}:`;
const key = { 'Idempotency-Key': '"order-66"' };

function post(body: Uint8Array, headers: object = key, query = ''): Promise<Answer> {
  return rig.send({ method: 'POST', path: `/v1/jobs${query}`, headers: { ...headers } }, body);
}

function idOf(answer: Answer): string {
  return jobSchema.parse(JSON.parse(answer.text)).id;
}

/** Sends the head of a request and none of its body, and reads the whole answer. */
async function postHead(headers: object): Promise<string> {
  const socket = await rig.dial();
  const lines = Object.entries({ Host: 'localhost', 'Content-Length': 900_000, ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`POST /v1/jobs HTTP/1.1\r\n${head}\r\n`);
  return readAll(socket);
}

describe('A request with an Idempotency-Key', () => {
  test('that is sent again makes no second job, and says so', async () => {
    const first = await post(film);
    const second = await post(film);

    expect([first.status, second.status]).toEqual([201, 200]);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    expect(second.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: `/v1/jobs/${idOf(first)}`,
    });
    expect(idOf(second)).toBe(idOf(first));
    expect(await rig.incoming()).toEqual([idOf(first)]);
    expect(rig.service.submitted).toHaveLength(1);
  });

  test('is the same with and without quotes', async () => {
    const first = await post(film);
    const second = await post(film, { 'Idempotency-Key': 'order-66' });

    expect(idOf(second)).toBe(idOf(first));
  });

  test('that brings another film of the same size is refused once the film is read', async () => {
    await post(film);
    const other = Buffer.from(film);
    other.reverse();

    const answer = await post(other);

    expect(problemDetail(answer, 422, 'idempotency_key_reused')).toContain('another film');
    expect(await rig.incoming()).toHaveLength(1);
  });

  test('that is a form is told from another one, with its fields and its film', async () => {
    const file = { disposition: 'name="file"; filename="film.mp4"', body: film };
    const send = (priority: string): Promise<Answer> =>
      post(formBody([file, { disposition: 'name="priority"', body: priority }]), {
        ...key,
        'Content-Type': formType,
      });

    const first = await send('5');
    const second = await send('5');
    const third = await send('6');

    expect([first.status, second.status]).toEqual([201, 200]);
    expect(idOf(second)).toBe(idOf(first));
    problemDetail(third, 422, 'idempotency_key_reused');
    expect(await rig.incoming()).toEqual([idOf(first)]);
  });

  test('makes a job of its own for each tenant', async () => {
    const first = await post(film, key, '?tenant=acme');
    const second = await post(film, key, '?tenant=other');

    expect([first.status, second.status]).toEqual([201, 201]);
    expect(idOf(second)).not.toBe(idOf(first));
  });

  test('that was refused at first is free to be sent again', async () => {
    rig.service.refusal = failure('unavailable', 'Too many jobs.');
    problemDetail(await post(film), 503, 'unavailable');
    rig.service.refusal = undefined;

    expect((await post(film)).status).toBe(201);
    expect(await rig.incoming()).toHaveLength(1);
  });

  test('makes a new job once its job is deleted', async () => {
    const first = idOf(await post(film));
    await rig.send({ method: 'DELETE', path: `/v1/jobs/${first}` });

    const second = await post(film);

    expect(second.status).toBe(201);
    expect(idOf(second)).not.toBe(first);
  });

  test('whose job is deleted while its body is read is to be sent again', async () => {
    const first = idOf(await post(film));
    const findByKey = vi.spyOn(rig.service, 'findByKey');
    const socket = await rig.dial();
    const answer = readAll(socket);
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nIdempotency-Key: "order-66"\r\n` +
        `Content-Length: ${film.length}\r\nConnection: close\r\n\r\n`,
    );
    await until(() => findByKey.mock.settledResults.length === 1);
    await rig.send({ method: 'DELETE', path: `/v1/jobs/${first}` });
    socket.write(film);

    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 409 [^]*"code":"conflict"/);
    expect(text).toContain('was deleted just now. Send the request again.');
    expect((await post(film)).status).toBe(201);
    expect(await rig.incoming()).toHaveLength(2);
  });

  test.each(['', '""', 'a b', '"a", "b"', 'k'.repeat(256)])('is refused as %j', async (text) => {
    const answer = await post(film, { 'Idempotency-Key': text });

    expect(problemDetail(answer, 400, 'invalid_request')).toContain('Idempotency-Key');
    expect(await rig.incoming()).toEqual([]);
  });

  test('twenty times at once makes one job that all answers name', async () => {
    const big = randomBytes(200_000);

    const answers = await Promise.all(Array.from({ length: 20 }, () => post(big)));

    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect(await rig.incoming()).toEqual([idOf(required(answers[0]))]);
  });
});

describe('A known request is answered before its body comes', () => {
  test('with its job, when its digest says that it is the same', async () => {
    const job = idOf(await post(film));

    const answer = await postHead({ ...key, 'Content-Length': film.length, 'Repr-Digest': digest });

    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('Idempotency-Replayed: true');
    expect(answer).toContain(`"id":"${job}"`);
  });

  test.each([
    ['size', { 'Content-Length': film.length + 1 }],
    ['digest', { 'Content-Length': film.length, 'Content-Digest': `sha-256=:${'A'.repeat(43)}=:` }],
  ])('with a refusal, when its %s says that it is another one', async (_what, headers) => {
    await post(film);

    const answer = await postHead({ ...key, ...headers });

    expect(answer).toMatch(/^HTTP\/1\.1 422 /);
    expect(answer).toContain('"code":"idempotency_key_reused"');
    expect(await rig.incoming()).toHaveLength(1);
  });

  test('with a refusal, when its options say that it is another one', async () => {
    await post(film);

    const answer = await post(film, key, '?priority=7');

    expect(problemDetail(answer, 422, 'idempotency_key_reused')).toContain('other options');
  });
});

describe('A stated digest', () => {
  test('is held against the film that came', async () => {
    const wrong = { 'Repr-Digest': `sha-256=:${'A'.repeat(43)}=:` };

    const refused = await post(film, wrong);
    const taken = await post(film, { 'Repr-Digest': digest });

    expect(problemDetail(refused, 400, 'invalid_request')).toContain('digest');
    expect(taken.status).toBe(201);
    expect(await rig.incoming()).toEqual([idOf(taken)]);
  });
});

function required(answer: Answer | undefined): Answer {
  if (answer === undefined) throw new Error('there is an answer');
  return answer;
}
