import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import type { App } from '../../../src/app.ts';
import { assert, required } from '../../../src/base/assert.ts';
import type { Failure } from '../../../src/base/failure.ts';
import { newJobId } from '../../../src/base/ids.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Result } from '../../../src/base/result.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { JobRig } from '../../support/job-rig.ts';
import { until } from '../api/api-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** The service on a directory and a port, wired and not yet at work. */
async function open(dataDir: string, port = 0): Promise<Result<App, Failure>> {
  const loaded = loadSettings({
    flags: { dataDir, port: String(port), logLevel: 'silent' },
    env: process.env,
  });
  assert(loaded.ok, 'the settings are good');
  return createApp(loaded.value.settings, silentLogger);
}

/** A job that was being worked on when its service stopped, with a file of its attempt. */
async function interruptedJob(directory: string): Promise<{ job: string; scratch: string }> {
  const rig = await JobRig.open({ directory });
  const job = await rig.submitStandard();
  await rig.puppets.begun(job, 'validate');
  await rig.close();
  const scratch = join(directory, 'scratch', `${job}.validate.1`);
  await mkdir(scratch, { recursive: true });
  await writeFile(join(scratch, 'half'), 'x');
  return { job, scratch };
}

/** The status of an answer, on a connection of its own: a drain closes those that are idle. */
async function statusOf(url: string, method: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request(url, { method, agent: false }, resolve).on('error', reject).end();
  const answer = await promise;
  answer.resume();
  return answer.statusCode;
}

async function validateOf(app: App, job: string): Promise<{ phase: string; attempt: number }> {
  const found = await app.service.get(job);
  assert(found.ok, 'the job is there');
  const { phase, attempt } = required(found.value.job.state.nodes[0], 'validate');
  return { phase, attempt };
}

describe('a data directory', () => {
  it('belongs to one service, and is free again after its end', async () => {
    await using directory = await createTempDirectory();
    const first = await open(directory.path);
    assert(first.ok, 'the first service comes up');
    const second = await open(directory.path);
    expect(second).toMatchObject({ ok: false, error: { code: 'conflict' } });
    const message = expect.stringContaining(`"${directory.path}"`) as unknown;
    expect(second).toMatchObject({ error: { message } });
    await first.value.close();
    await first.value.close();
    const third = await open(directory.path);
    assert(third.ok, 'a service comes up after it');
    await third.value.close();
  });

  it('is free again after a start that failed', async () => {
    await using directory = await createTempDirectory();
    const path = join(directory.path, 'reelgraph.sqlite');
    await writeFile(path, 'no database at all'.repeat(100));
    expect(await open(directory.path)).toMatchObject({ ok: false, error: { code: 'storage' } });
    await rm(path);
    const app = await open(directory.path);
    assert(app.ok, 'a service comes up once the damage is gone');
    await app.value.close();
  });

  it('that cannot be made is a sentence', async () => {
    await using directory = await createTempDirectory();
    await writeFile(join(directory.path, 'file'), '');
    const refused = await open(join(directory.path, 'file', 'data'));
    const message = expect.stringContaining('cannot be made. Set REELGRAPH_DATA_DIR') as unknown;
    expect(refused).toMatchObject({ ok: false, error: { code: 'storage', message } });
  });
});

describe('a start', () => {
  it('touches no job when the port is taken', async () => {
    await using directory = await createTempDirectory();
    const { job, scratch } = await interruptedJob(directory.path);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
    const { port } = other.address() as AddressInfo;
    try {
      const app = await open(directory.path, port);
      assert(app.ok, 'the service is wired');
      expect(await app.value.listen()).toMatchObject({ ok: false, error: { code: 'resource' } });
      expect(await validateOf(app.value, job)).toEqual({ phase: 'ready', attempt: 1 });
      expect(await readFile(join(scratch, 'half'), 'utf8')).toBe('x');
      await app.value.close();
    } finally {
      other.close();
      await once(other, 'close');
    }
  });

  it('takes up a job where it was', async () => {
    await using directory = await createTempDirectory();
    const { job, scratch } = await interruptedJob(directory.path);
    const app = await open(directory.path);
    assert(app.ok, 'the service is wired');
    expect(await app.value.start()).toEqual({ ok: true, value: undefined });
    // No film at all, so the job ends soon.
    const { signal } = new AbortController();
    for await (const update of app.value.service.follow(job, 0, signal)) void update;
    expect(await validateOf(app.value, job)).toEqual({ phase: 'failed', attempt: 2 });
    expect(existsSync(scratch)).toBe(false);
    await app.value.close();
  });

  it('whose store fails says so, and lets everything go', async () => {
    await using directory = await createTempDirectory();
    await interruptedJob(directory.path);
    const app = await open(directory.path);
    assert(app.ok, 'the service is wired');
    const intruder = new DatabaseSync(join(directory.path, 'reelgraph.sqlite'));
    intruder.exec('begin immediate');
    const started = await app.value.listen();
    expect(started).toMatchObject({ ok: false, error: { code: 'storage' } });
    intruder.close();
    await app.value.close();
    const again = await open(directory.path);
    assert(again.ok, 'the directory is free');
    await again.value.close();
  });
});

describe('a server before its jobs are taken up', () => {
  it('shows jobs, but lets nobody change them, also when it is told to stop', async () => {
    await using directory = await createTempDirectory();
    const { job } = await interruptedJob(directory.path);
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const app = await open(directory.path, port);
    assert(app.ok, 'the service is wired');
    const intruder = new DatabaseSync(join(directory.path, 'reelgraph.sqlite'));
    intruder.exec('begin immediate');
    // It listens, and stays before the first job that it would take up.
    expect(await app.value.listen()).toMatchObject({ ok: false, error: { code: 'storage' } });
    intruder.exec('rollback');
    intruder.close();
    const url = `http://127.0.0.1:${port}/v1/jobs/${job}`;
    const { signal } = new AbortController();
    for (const prepare of [() => Promise.resolve(), () => app.value.drain(signal)]) {
      await prepare();
      const answers = await Promise.all([
        statusOf(url, 'GET'),
        statusOf(`${url}/cancel`, 'POST'),
        statusOf(url, 'DELETE'),
      ]);
      expect(answers).toEqual([200, 503, 503]);
    }
    expect(await validateOf(app.value, job)).toEqual({ phase: 'ready', attempt: 1 });
    await app.value.close();
  });
});

describe('a drain', () => {
  it('takes no uploads, says so, and lets those end that had begun', async () => {
    await using directory = await createTempDirectory();
    const app = await open(directory.path);
    assert(app.ok, 'the service is wired');
    const listening = await app.value.listen();
    assert(listening.ok, 'it listens');
    const { url } = listening.value;
    const upload = request(`${url}/v1/jobs`, { method: 'POST', headers: { 'Content-Length': 8 } });
    const { promise: answer, resolve } = Promise.withResolvers<IncomingMessage>();
    upload.on('response', resolve);
    upload.write('film');
    await until(() => existsSync(join(directory.path, 'incoming')));
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    await once(idle, 'connect');
    const idleClosed = once(idle, 'close');

    const { signal: never } = new AbortController();
    const drained = app.value.drain(never);

    await idleClosed;
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, ready.headers.get('connection')]).toEqual([503, 'close']);
    const refused = await fetch(`${url}/v1/jobs`, { method: 'POST', body: 'film' });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'unavailable' });
    // Nobody has to wait for an end that is wanted: there only is no such job.
    const removed = await fetch(`${url}/v1/jobs/${newJobId()}`, { method: 'DELETE' });
    expect(removed.status).toBe(404);
    upload.end('film');
    const response = await answer;
    expect(response.statusCode).toBe(201);
    response.resume();
    await drained;
    const jobs = await app.value.service.list({ limit: 10 });
    assert(jobs.ok, 'the jobs are there');
    expect(jobs.value.jobs.map(({ state }) => state.nodes[0]?.phase)).toEqual(['ready']);
    await app.value.close();
  });

  it('waits no longer for an upload than somebody has patience', async () => {
    await using directory = await createTempDirectory();
    const app = await open(directory.path);
    assert(app.ok, 'the service is wired');
    const listening = await app.value.listen();
    assert(listening.ok, 'it listens');
    const upload = request(`${listening.value.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'Content-Length': 8 },
    });
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    upload.on('error', () => {});
    upload.on('close', resolve);
    upload.on('response', (response) => response.resume());
    upload.write('film');
    await until(() => existsSync(join(directory.path, 'incoming')));
    const hurry = new AbortController();
    const drained = app.value.drain(hurry.signal);
    hurry.abort();
    await drained;
    await app.value.close();
    upload.destroy();
    await closed;
    expect(await readdir(join(directory.path, 'incoming'))).toEqual([]);
  });

  it('has nothing to do where there is no server and no job', async () => {
    await using directory = await createTempDirectory();
    const app = await open(directory.path);
    assert(app.ok, 'the service is wired');
    const { signal } = new AbortController();
    await app.value.drain(signal);
    expect(await app.value.start()).toEqual({ ok: true, value: undefined });
    await app.value.close();
  });
});

describe('/readyz', () => {
  it('is 200 while the service can work, and 503 when its directory is gone', async () => {
    await using directory = await createTempDirectory();
    const data = join(directory.path, 'data');
    const app = await open(data);
    assert(app.ok, 'the service is wired');
    const listening = await app.value.listen();
    assert(listening.ok, 'it listens');
    const ready = await fetch(`${listening.value.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }]);
    await rm(data, { recursive: true });
    const unready = await fetch(`${listening.value.url}/readyz`);
    expect(unready.status).toBe(503);
    expect(await unready.json()).toMatchObject({
      code: 'unavailable',
      detail: 'The service cannot write to its disk. Try again later.',
    });
    await app.value.close();
  });
});
