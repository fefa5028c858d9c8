import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobSchema } from '../../../src/api/schema.ts';
import { failure } from '../../../src/base/failure.ts';
import { required } from '../../../src/base/assert.ts';
import {
  ApiRig,
  formBody,
  formType,
  problemDetail,
  type Answer,
  type FormPart,
} from './api-rig.ts';

let rig: ApiRig;

beforeEach(async () => {
  rig = await ApiRig.start();
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const film = Buffer.from('\0\0\0\x20ftypisom and then some film');
const filePart: FormPart = { disposition: 'name="file"; filename="film.mp4"', body: film };

function field(name: string, body: string): FormPart {
  return { disposition: `name="${name}"`, body };
}

async function post(body: Uint8Array | string, headers = {}, query = ''): Promise<Answer> {
  return rig.send({ method: 'POST', path: `/v1/jobs${query}`, headers }, body);
}

async function postForm(parts: readonly FormPart[]): Promise<Answer> {
  return post(formBody(parts), { 'Content-Type': formType });
}

describe('A raw body', () => {
  test('becomes a job whose upload is on disk, whole and private', async () => {
    const answer = await post(film, { 'Content-Type': 'video/mp4' });

    expect(answer.status).toBe(201);
    const job = jobSchema.parse(JSON.parse(answer.text));
    expect(job).toMatchObject({ state: 'queued', pipeline: 'standard', priority: 0, progress: 0 });
    expect(answer.headers.location).toBe(`/v1/jobs/${job.id}`);
    const { upload } = required(rig.service.submitted[0], 'the submitted job');
    const path = join(rig.directory, upload.path);
    expect(await readFile(path)).toEqual(film);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(upload).toMatchObject({
      bytes: film.length,
      sha256: createHash('sha256').update(film).digest('hex'),
      path: `incoming/${job.id}/in`,
    });
  });

  test('takes its options from the query', async () => {
    const params = encodeURIComponent('{"language":"en"}');
    const query = `?pipeline=audio&priority=-7&name=My%20film.mp4&params=${params}`;

    const answer = await post(film, {}, query);

    expect(answer.status).toBe(201);
    expect(rig.service.submitted[0]).toMatchObject({
      pipeline: 'audio',
      priority: -7,
      params: { language: 'en' },
      upload: { name: 'My film.mp4' },
    });
  });

  test.each([
    ['low', -50],
    ['normal', 0],
    ['high', 50],
  ])('has a priority that is called %s', async (name, priority) => {
    const answer = await post(film, {}, `?priority=${name}`);

    expect(jobSchema.parse(JSON.parse(answer.text))).toMatchObject({ priority });
    expect(rig.service.submitted[0]).toMatchObject({ priority });
  });

  test.each([
    ['?cache=off', false],
    ['?cache=on', true],
    ['', true],
  ])('uses earlier results as it says: "%s"', async (query, usesCache) => {
    expect((await post(film, {}, query)).status).toBe(201);
    expect(rig.service.submitted[0]).toMatchObject({ usesCache });
  });

  test('is made for the tenant that it names, else for the default one', async () => {
    const named = jobSchema.parse(JSON.parse((await post(film, {}, '?tenant=acme-1')).text));
    const other = jobSchema.parse(JSON.parse((await post(film, {}, '')).text));

    expect([named.tenant, other.tenant]).toEqual(['acme-1', 'default']);
  });

  test.each([
    ['?pipelin=audio', 400, 'invalid_request', '"pipelin"'],
    ['?pipeline=nope', 404, 'not_found', '"nope"'],
    ['?priority=101', 400, 'invalid_request', '"priority"'],
    ['?priority=1.5', 400, 'invalid_request', '"1.5"'],
    ['?priority=urgent', 400, 'invalid_request', 'low, normal, high'],
    ['?priority=toString', 400, 'invalid_request', '"priority"'],
    ['?tenant=Acme', 400, 'invalid_request', '"tenant"'],
    ['?tenant=', 400, 'invalid_request', '"tenant"'],
    [`?tenant=${'a'.repeat(64)}`, 400, 'invalid_request', 'up to 63'],
    ['?priority=', 400, 'invalid_request', '"priority"'],
    ['?cache=no', 400, 'invalid_request', '"cache" has to be "on" or "off"'],
    ['?priority=1&priority=2', 400, 'invalid_request', 'more than once'],
    ['?params=%7Bnope', 400, 'invalid_request', 'not valid JSON'],
    ['?params=%5B1%5D', 400, 'invalid_request', 'JSON object'],
    ['?params=null', 400, 'invalid_request', 'JSON object'],
  ])('is refused with options %s, by name', async (query, ...[status, code, words]) => {
    const answer = await post(film, {}, query);

    expect(problemDetail(answer, status, code)).toContain(words);
    expect(await rig.incoming()).toEqual([]);
    expect(rig.service.submitted).toEqual([]);
  });

  test('is refused when it is empty', async () => {
    const answer = await post('', { 'Content-Type': 'video/mp4' });

    expect(problemDetail(answer, 400, 'empty')).toContain('empty');
    expect(await rig.incoming()).toEqual([]);
  });

  test.each(['#EXTM3U\n', 'ffconcat version 1.0', '\ufeff <?xml ?>', '<MPD>', '<svg/>', 'v=0\r\n'])(
    'is refused when it is a text such as %j',
    async (text) => {
      const answer = await post(text, { 'Content-Type': 'video/mp4' });

      expect(problemDetail(answer, 415, 'unsupported_format')).toContain('not a film');
      expect(await rig.incoming()).toEqual([]);
    },
  );

  test.each(['application/json', 'application/json; charset=utf-8', 'application/ld+json'])(
    'is refused as %s, with what to send instead',
    async (type) => {
      const answer = await post('{"source":{}}', { 'Content-Type': type });

      expect(problemDetail(answer, 415, 'unsupported_media_type')).toContain('curl -F file=@');
      expect(await rig.incoming()).toEqual([]);
    },
  );

  test('is refused when it is compressed', async () => {
    const answer = await post(film, { 'Content-Encoding': 'gzip' });

    expect(problemDetail(answer, 415, 'unsupported_media_type')).toContain('"gzip"');
  });

  test('is refused by its announced length before it is read', async () => {
    const answer = await post(Buffer.alloc(1_000_001));

    expect(problemDetail(answer, 413, 'limit_size')).toContain('976.6 KiB');
    expect(await rig.incoming()).toEqual([]);
  });

  test('is refused by counting when no length is announced', async () => {
    const answer = await post(Buffer.alloc(1_000_001), { 'Transfer-Encoding': 'chunked' });

    expect(problemDetail(answer, 413, 'limit_size')).toMatch(/\.$/);
    expect(await rig.incoming()).toEqual([]);
  });

  test('of exactly the limit is taken', async () => {
    const answer = await post(Buffer.alloc(1_000_000), { 'Transfer-Encoding': 'chunked' });

    expect(answer.status).toBe(201);
  });

  test('is removed again when the job cannot be made', async () => {
    rig.service.refusal = failure('storage', 'The disk is full.', 'SQLITE_FULL at /secret/path');

    const answer = await post(film);

    expect(problemDetail(answer, 507, 'storage')).toBe('The disk is full.');
    expect(answer.text).not.toContain('secret');
    expect(await rig.incoming()).toEqual([]);
  });
});

describe('A form', () => {
  test('becomes a job with the fields before and after the file', async () => {
    const answer = await postForm([
      field('pipeline', 'audio'),
      filePart,
      field('priority', '9'),
      field('params', '{"language":"de"}'),
    ]);

    expect(answer.status).toBe(201);
    const request = required(rig.service.submitted[0], 'the submitted job');
    expect(request).toMatchObject({ pipeline: 'audio', priority: 9, params: { language: 'de' } });
    expect(request.upload.name).toBe('film.mp4');
    expect(await readFile(join(rig.directory, request.upload.path))).toEqual(film);
  });

  test('may name the film in a field behind it', async () => {
    await postForm([filePart, field('name', '../Holiday.mp4')]);

    expect(rig.service.submitted[0]?.upload.name).toBe('Holiday.mp4');
  });

  test.each([
    ['filename="../../etc/passwd"', 'passwd'],
    ['filename="C:\\\\films\\\\a.mp4"', 'a.mp4'],
    ['filename="Ünï – 映画.mp4"', 'Ünï – 映画.mp4'],
    [`filename*=UTF-8''na%C3%AFve%20%E2%82%AC.mp4`, 'naïve €.mp4'],
    ['filename="say \\"cheese\\".mp4"', 'say "cheese".mp4'],
    [`filename*=UTF-8''two%0D%0Alines%00.mp4`, 'twolines.mp4'],
    ['filename="-rf.mp4"', '-rf.mp4'],
    ['filename=".."', 'upload'],
    [`filename*=UTF-8''a%E2%80%AEgpj.mp4`, 'agpj.mp4'],
    [`filename="${'x'.repeat(300)}"`, 'x'.repeat(255)],
  ])('keeps the name in %s as a harmless label', async (filename, label) => {
    const answer = await postForm([{ disposition: `name="file"; ${filename}`, body: film }]);

    expect(answer.status).toBe(201);
    const { upload, jobId } = required(rig.service.submitted[0], 'the submitted job');
    expect(upload.name).toBe(label);
    expect(upload.path).toBe(`incoming/${jobId}/in`);
  });

  test.each<[string, FormPart[], number, string, string]>([
    ['no file', [field('priority', '1')], 400, 'invalid_request', 'no part called "file"'],
    ['no part at all', [], 400, 'invalid_request', '"file"'],
    ['two files', [filePart, filePart], 400, 'invalid_request', 'more than one file'],
    ['a text for a file', [field('file', 'film')], 400, 'invalid_request', '-F file=@film.mp4'],
    ['an unknown field', [field('webhok', 'x'), filePart], 400, 'invalid_request', '"webhok"'],
    ['an unknown field last', [filePart, field('webhok', 'x')], 400, 'invalid_request', '"webhok"'],
    ['a field twice', [field('name', 'a'), field('name', 'b')], 400, 'invalid_request', '"name"'],
    [
      'a file under another name',
      [{ ...filePart, disposition: 'name="video"; filename="a.mp4"' }],
      400,
      'invalid_request',
      '"video"',
    ],
    ['an empty file', [{ ...filePart, body: '' }], 400, 'empty', 'empty'],
    ['a playlist', [{ ...filePart, body: '#EXTM3U\n' }], 415, 'unsupported_format', 'playlist'],
    ['a wrong pipeline', [filePart, field('pipeline', 'x')], 404, 'not_found', 'standard, audio'],
    ['broken params', [field('params', '{'), filePart], 400, 'invalid_request', '"params"'],
    ['a long field', [field('params', 'x'.repeat(8193))], 400, 'invalid_request', '8 KiB'],
    [
      'too large a file',
      [{ ...filePart, body: Buffer.alloc(1_000_001) }],
      413,
      'limit_size',
      'larger',
    ],
  ])('with %s is refused and leaves nothing', async (_, parts, ...[status, code, words]) => {
    const answer = await postForm(parts);

    expect(problemDetail(answer, status, code)).toContain(words);
    expect(await rig.incoming()).toEqual([]);
    expect(rig.service.submitted).toEqual([]);
  });

  test('with very many parts is refused', async () => {
    const answer = await postForm(
      Array.from({ length: 500 }, () => ({ disposition: 'x', body: '' })),
    );

    expect(problemDetail(answer, 400, 'invalid_request')).toMatch(/\.$/);
  });

  test('that ends before its last boundary is refused and leaves nothing', async () => {
    const whole = formBody([filePart]);

    const answer = await post(whole.subarray(0, -12), { 'Content-Type': formType });

    expect(problemDetail(answer, 400, 'invalid_request')).toContain('ends too early');
    expect(await rig.incoming()).toEqual([]);
  });

  test.each(['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; ='])(
    'without a boundary (%s) is refused',
    async (type) => {
      const answer = await post(formBody([filePart]), { 'Content-Type': type });

      expect(problemDetail(answer, 400, 'invalid_request')).toMatch(/\.$/);
    },
  );

  test('with a malformed part header is refused', async () => {
    const body = formBody([filePart]).toString('latin1').replace('Content-Disposition', 'C\0D');

    const answer = await post(Buffer.from(body, 'latin1'), { 'Content-Type': formType });

    expect(problemDetail(answer, 400, 'invalid_request')).toMatch(/\.$/);
  });

  test('of another multipart kind is refused', async () => {
    const answer = await post('--x--', { 'Content-Type': 'multipart/mixed; boundary=x' });

    expect(problemDetail(answer, 415, 'unsupported_media_type')).toMatch(/\.$/);
  });
});

test('An error repeats a long wrong name only in part, and on one line', async () => {
  const name = encodeURIComponent(`evil\n${'x'.repeat(5000)}`);

  const detail = problemDetail(await post(film, {}, `?${name}=1`), 400, 'invalid_request');

  expect(detail.length).toBeLessThan(200);
  expect(detail).not.toContain('\n');
});
