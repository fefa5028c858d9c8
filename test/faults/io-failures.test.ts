import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { checkSettled } from './checker.ts';
import { distinctPoints, recordPoints } from './crash-points.ts';
import type { NamedPoint } from './crash-points.ts';
import { FaultyService } from './faulty-service.ts';
import { failEach } from './io-failures.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import { useSmallWork } from './use-small-work.ts';

/** About sixty jobs, one after the other, on a machine that others use as well. */
const failuresTimeoutMs = 300_000;

// Starts of a service, which take long on a machine that others use as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const small = useSmallWork();
let points: readonly NamedPoint[];

beforeAll(async () => {
  const { job } = await recordPoints(small.work, `${small.directory}/points`);
  points = distinctPoints(job);
});

test(
  'a job whose disk fails once, at any one of its steps, never ends well by mistake',
  async () => {
    // Both errors in turn: the product knows no difference between them but for the door.
    const failures = points.map((at, index) => ({
      at,
      code: index % 2 === 0 ? ('ENOSPC' as const) : ('EIO' as const),
    }));
    const { findings, endings, final } = await failEach(failures, small.work);
    expect(findings).toEqual([]);
    expect(final.violations).toEqual([]);
    expect(final.doneTwice).toBe(0);
    // The door refuses what it cannot store; behind it, retries get over one error.
    expect(endings.failed).toBe(0);
    expect(endings.refused).toBeGreaterThan(5);
    expect(endings.succeeded).toBe(points.length - endings.refused);
  },
  failuresTimeoutMs,
);

/** Starts a service on a directory of its own and has the client talk to it. */
async function startService(client: RecordingClient): Promise<FaultyService> {
  const service = await FaultyService.create({ flags: small.work.replayFlags });
  await service.start();
  client.url = service.url;
  return service;
}

test('a disk that stays full for one step fails the job with storage, and the next one succeeds', async () => {
  const client = new RecordingClient();
  await using service = await startService(client);
  const at = { name: 'rename jobs/<job>/transcode/<n>', occurrence: 1 };
  await service.arm({ fail: { code: 'ENOSPC', at, lasting: 'same-name' } });
  const jobId = await client.submit(small.work.clip, { pipeline: 'small', failsWith: 'storage' });
  const failed = await client.finish(jobId);
  expect(failed.error).toMatchObject({ code: 'storage', node: 'transcode' });
  expect(failed.nodes.find(({ id }) => id === 'transcode')?.attempt).toBe(3);
  await service.arm({});
  await expectHealed(service, client);
});

test('a disk that is full for everything is told at the door and by readiness, until it is not', async () => {
  const client = new RecordingClient();
  await using service = await startService(client);
  await service.arm({ fail: { code: 'ENOSPC', at: { nth: 1 }, lasting: 'all' } });
  const { outcome } = await client.upload(small.work.clip, { pipeline: 'small' });
  expect(outcome).toEqual({ type: 'refused', status: 507, code: 'storage' });
  const answer = await fetch(`${service.url}/readyz`);
  expect(answer.ok).toBe(false);
  await answer.body?.cancel();
  await service.arm({});
  await expectHealed(service, client);
});

test.each(['ENOSPC', 'EIO'] as const)(
  'a job goes on by itself once the store can be written again (%s)',
  async (code) => {
    const client = new RecordingClient();
    await using service = await startService(client);
    // Behind the commits of the upload: the first ones of the job.
    const at = { name: 'commit', occurrence: 3 };
    await service.arm({ fail: { code, at, lasting: 'all' } });
    const jobId = await client.submit(small.work.clip, { pipeline: 'small' });
    await service.program.waitFor(/could not be stored/);
    expect((await client.read(jobId))?.state).toBe('running');
    await service.arm({});
    expect((await client.finish(jobId)).state).toBe('succeeded');
    await expectHealed(service, client);
  },
);

/** Expects that a new job succeeds, and that the directory is sound after a restart. */
async function expectHealed(service: FaultyService, client: RecordingClient): Promise<void> {
  const jobId = await client.submit(small.work.clip, { pipeline: 'small' });
  expect((await client.finish(jobId)).state).toBe('succeeded');
  await service.stop();
  await service.start();
  const parts = { history: client, products: new ProductCheck('probe'), ...service.facts };
  const report = await checkSettled({ ...parts, serviceUrl: service.url });
  expect(report.violations).toEqual([]);
}

test('a job that fails while it is published has nothing published', async () => {
  const client = new RecordingClient();
  await using service = await FaultyService.create({ flags: small.work.replayFlags });
  const at = { name: 'rename storage/<job>/manifest.json', occurrence: 1 };
  await service.start({ fail: { code: 'ENOSPC', at, lasting: 'same-name' } });
  client.url = service.url;
  const jobId = await client.submit(small.work.clip, { pipeline: 'small' });
  expect((await client.finish(jobId)).error).toMatchObject({ code: 'storage' });
  await service.stop();
  const stored = await readdir(join(service.dataDir, 'storage'));
  expect(stored.filter((name) => name === jobId)).toEqual([]);
});
