import { copyFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { checkSettled } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import { mountReadOnly } from './mounts.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import { useSmallWork } from './use-small-work.ts';

// Starts of a service, which take long on a machine that others use as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const small = useSmallWork();

/** A service that ran one job to its end. */
async function serviceWithJob(client: RecordingClient): Promise<FaultyService> {
  const service = await FaultyService.create({ flags: small.work.replayFlags });
  await service.start();
  client.url = service.url;
  await runJob(client);
  return service;
}

async function runJob(client: RecordingClient): Promise<void> {
  const jobId = await client.submit(small.work.clip, { pipeline: 'small' });
  expect((await client.finish(jobId)).state).toBe('succeeded');
}

/** Expects that all that clients were told still holds, and that the service runs another job. */
async function expectSound(service: FaultyService, client: RecordingClient): Promise<void> {
  client.url = service.url;
  await runJob(client);
  const parts = { history: client, products: new ProductCheck('probe'), ...service.facts };
  const report = await checkSettled({ ...parts, serviceUrl: service.url });
  expect(report.violations).toEqual([]);
}

function databaseOf(service: FaultyService): string {
  return join(service.dataDir, 'reelgraph.sqlite');
}

/** Starts a life that has to refuse, and gives what it said. */
async function refusalOf(service: FaultyService): Promise<string> {
  const program = service.launch();
  expect(await program.exited).toEqual({ code: 1, signal: null });
  expect(program.output).not.toContain('    at ');
  return program.output;
}

test('a database of a newer version is refused by name, and stays as it is', async () => {
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  await service.stop();
  const path = databaseOf(service);
  const newer = new DatabaseSync(path);
  newer.exec('insert into schema_versions (version) values (1000)');
  newer.close();
  const before = await readFile(path);
  expect(await refusalOf(service)).toContain('a newer version of reelgraph (its schema is 1000');
  expect((await readFile(path)).equals(before)).toBe(true);
  const back = new DatabaseSync(path);
  back.exec('delete from schema_versions where version = 1000');
  back.close();
  await service.start();
  await expectSound(service, client);
});

test('a write-ahead log with a torn end loses nothing but what was not committed', async () => {
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  await service.kill();
  // A frame that a power cut left half written: the page of a commit that was never answered.
  const log = `${databaseOf(service)}-wal`;
  const { size } = await stat(log);
  const frame = (await readFile(log)).subarray(32, 32 + 24 + 2048);
  await writeFile(log, frame, { flag: 'a' });
  expect((await stat(log)).size).toBe(size + frame.length);
  await service.start();
  await expectSound(service, client);
});

test('a write-ahead log that lost its last commit leaves a job that goes on', async () => {
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  await service.kill();
  const log = `${databaseOf(service)}-wal`;
  // What a disk that lies about syncs may do; the job is told as unfinished then, never as none.
  await truncate(log, (await stat(log)).size - 1000);
  await service.start();
  client.url = service.url;
  const [jobId = ''] = client.jobIds;
  expect((await client.finish(jobId)).state).toBe('succeeded');
});

test.each([
  ['its header', 0, 200],
  ['its middle', 4096, 2000],
])('a database that is damaged in %s is refused, and no new one is made', async (...damage) => {
  const [, start, length] = damage;
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  await service.stop();
  const path = databaseOf(service);
  const content = await readFile(path);
  const damaged = Buffer.from(content).fill(0xa5, start, start + length);
  await writeFile(path, damaged);
  expect(await refusalOf(service)).toMatch(/database file is damaged/);
  expect((await readFile(path)).equals(damaged)).toBe(true);
  await writeFile(path, content);
  await service.start();
  await expectSound(service, client);
});

test('a database that another program holds is refused by name, and free again behind it', async () => {
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  await service.stop();
  const holder = new DatabaseSync(databaseOf(service));
  holder.exec('begin exclusive');
  try {
    expect(await refusalOf(service)).toContain('The database is in use by another program.');
  } finally {
    holder.exec('rollback');
    holder.close();
  }
  await service.start();
  await expectSound(service, client);
});

test('a database that is held for a moment delays the job and nothing more', async () => {
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  const holder = new DatabaseSync(databaseOf(service), { timeout: 10_000 });
  holder.exec('begin immediate');
  try {
    // The service waits for two seconds and then says so.
    const { outcome } = await client.upload(small.work.clip, { pipeline: 'small' });
    expect(outcome).toEqual({ type: 'refused', status: 507, code: 'storage' });
  } finally {
    holder.exec('rollback');
    holder.close();
  }
  await expectSound(service, client);
});

test('a backup of a running service that is put back has all that was told before it', async () => {
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  const copy = join(small.directory, 'backup.sqlite');
  const source = new DatabaseSync(databaseOf(service), { readOnly: true });
  source.exec(`vacuum into '${copy}'`);
  source.close();
  await service.stop();
  for (const suffix of ['-wal', '-shm']) {
    await rm(`${databaseOf(service)}${suffix}`, { force: true });
  }
  await copyFile(copy, databaseOf(service));
  await service.start();
  await expectSound(service, client);
});

test('a data directory that cannot be written is refused by name, with nothing changed', async (context) => {
  const client = new RecordingClient();
  await using service = await serviceWithJob(client);
  await service.stop();
  const before = await readFile(databaseOf(service));
  // Root writes everywhere but on a file system that is read-only.
  const mounted = await mountReadOnly(service.dataDir);
  if (typeof mounted === 'string') {
    context.skip(mounted);
    return;
  }
  try {
    expect(await refusalOf(service)).toContain('Its directory must exist and be writable.');
  } finally {
    await mounted[Symbol.asyncDispose]();
  }
  expect((await readFile(databaseOf(service))).equals(before)).toBe(true);
  await service.start();
  await expectSound(service, client);
});
