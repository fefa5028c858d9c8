import promises, { open, readlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { jobSchema } from '../../../src/api/schema.ts';
import { failure } from '../../../src/base/failure.ts';
import { ApiRig, problemDetail, until } from './api-rig.ts';

let rig: ApiRig;
/** What became durable, or was decided, in its order; `JOB` stands for the id of the job. */
let steps: string[];

beforeEach(async () => {
  rig = await ApiRig.start();
  steps = [];
  await recordSteps(rig, steps);
});

afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await rig[Symbol.asyncDispose]();
});

const film = Buffer.from('\0\0\0\x20ftypisom and then some film');

function post(body: Uint8Array) {
  return rig.send({ method: 'POST', path: '/v1/jobs' }, body);
}

test('201 comes after the bytes, the name and the directories are on disk, and then the job', async () => {
  const answer = await post(film);

  expect(answer.status).toBe(201);
  const { id } = jobSchema.parse(JSON.parse(answer.text));
  expect(steps.map((step) => step.replaceAll(id, 'JOB'))).toEqual([
    // The name of the directory that the first upload makes.
    'sync .',
    'sync incoming/JOB/in.part',
    'rename incoming/JOB/in.part incoming/JOB/in',
    'sync incoming/JOB',
    'sync incoming',
    'sync .',
    'job stored',
  ]);
});

test.each(['in.part', '/JOB', 'incoming', '.'])(
  'an upload whose %s cannot be synced is refused, and nothing of it stays',
  async (place) => {
    failSyncOf(place);

    problemDetail(await post(film), 507, 'storage');

    expect(steps).not.toContain('job stored');
    expect(await rig.incoming()).toEqual([]);
  },
);

test('an upload whose job cannot be stored is refused, and nothing of it stays', async () => {
  rig.service.refusal = failure('storage', 'The database is full.');

  problemDetail(await post(film), 507, 'storage');

  expect(await rig.incoming()).toEqual([]);
});

test.each([0, 1, 50, 99])(
  'an upload that ends after %d %% leaves no job and no file',
  async (share) => {
    const socket = await rig.dial();
    const bytes = 400_000;
    socket.write(`POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`);
    const part = Buffer.alloc(Math.floor((bytes * share) / 100), 0);
    if (part.length > 0) socket.write(part);
    await until(async () => (await rig.incoming()).length === 1);

    socket.destroy();

    await until(async () => (await rig.incoming()).length === 0);
    expect(rig.service.submitted).toEqual([]);
  },
);

/** Stands before what makes bytes and names durable, as the file system and the service see it. */
async function recordSteps({ directory, service }: ApiRig, into: string[]): Promise<void> {
  const inside = (path: string): string => relative(directory, path) || '.';
  const prototype = await handlePrototype(directory);
  // oxlint-disable-next-line typescript/unbound-method -- it is called on its handle below
  const { sync } = prototype;
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    const path = inside(await readlink(`/proc/self/fd/${this.fd}`));
    if (failing !== undefined && path.replace(/\/[\w-]{22}$/, '/JOB').endsWith(failing)) {
      throw Object.assign(new Error('no'), { code: 'EIO' });
    }
    await sync.call(this);
    into.push(`sync ${path}`);
  });
  const { rename } = promises;
  vi.spyOn(promises, 'rename').mockImplementation(async (from, to) => {
    await rename(from, to);
    into.push(`rename ${inside(String(from))} ${inside(String(to))}`);
  });
  syncBuiltinESMExports();
  const submit = service.submit.bind(service);
  vi.spyOn(service, 'submit').mockImplementation(async (request) => {
    const submitted = await submit(request);
    if (submitted.ok) into.push('job stored');
    return submitted;
  });
}

/** The end of the path whose sync fails. */
let failing: string | undefined;

function failSyncOf(place: string): void {
  failing = place;
}

afterEach(() => {
  failing = undefined;
});

async function handlePrototype(directory: string): Promise<FileHandle> {
  await using handle = await open(join(directory), 'r');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what every file handle comes from
  return Object.getPrototypeOf(handle) as FileHandle;
}
