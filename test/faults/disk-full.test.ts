import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTempDirectory } from '../support/temp-directory.ts';
import type { TempDirectory } from '../support/temp-directory.ts';
import { checkSettled } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import { mountMemory } from './mounts.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import { makeClip, prepareSmallWork } from './small-work.ts';
import type { SmallWork } from './small-work.ts';

/** Several small jobs on a machine that others use as well. */
const diskTimeoutMs = 180_000;

/** Bytes of the whole disk: room for the database, the clip and what is made of it, three times. */
const diskBytes = 4 * 1024 * 1024;

/** Nothing is lost in it, so its film is many times as large as the upload. */
const largePipeline = `name: large
nodes:
  validate:
    uses: validate
  transcode:
    uses: transcode
    needs: [validate]
    with: { resolution: 360, preset: ultrafast, crf: 1 }
    retry: { attempts: 2, backoff: 50ms }
  merge:
    uses: merge
    needs: [transcode]
    with: { name: film }
  publish:
    uses: publish
    needs: [merge]
`;

let directory: TempDirectory;
let work: SmallWork;
/** A film of about 300 kB. */
let film: string;
let disk: AsyncDisposable | string;
let service: FaultyService;
const client = new RecordingClient();

beforeAll(async () => {
  directory = await createTempDirectory();
  work = await prepareSmallWork(directory.path);
  film = await makeClip(join(directory.path, 'film.mp4'), { size: '640x360', seconds: 3 });
  await writeFile(join(directory.path, 'pipelines', 'large.yaml'), largePipeline);
  const mountPoint = join(directory.path, 'disk');
  await mkdir(mountPoint);
  disk = await mountMemory(mountPoint, diskBytes);
  service = await FaultyService.create({ flags: work.flags, dataDir: mountPoint });
  if (typeof disk === 'string') return;
  await service.start();
  client.url = service.url;
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  if (typeof disk !== 'string') await disk[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function fillerPath(): string {
  return join(service.dataDir, 'models', 'filler');
}

/** Takes up the disk until so many bytes are left. */
async function leave(bytes: number): Promise<void> {
  await mkdir(join(service.dataDir, 'models'), { recursive: true });
  await rm(fillerPath(), { force: true });
  const { bavail, bsize } = await statfs(service.dataDir);
  await writeFile(fillerPath(), Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
}

/** Expects that there is room again and a new job succeeds, and that all that was told is true. */
async function expectHealed(): Promise<void> {
  await rm(fillerPath(), { force: true });
  const jobId = await client.submit(film, { pipeline: 'wide' });
  const job = await client.finish(jobId);
  expect(job.error).toBeUndefined();
  const parts = { history: client, products: new ProductCheck('full'), ...service.facts };
  const { violations } = await checkSettled({ ...parts, serviceUrl: service.url });
  expect(violations).toEqual([]);
}

test(
  'a full disk refuses an upload before it is read, and takes it once there is room',
  { timeout: diskTimeoutMs },
  async (context) => {
    if (typeof disk === 'string') {
      context.skip(disk);
      return;
    }
    await leave(64 * 1024);
    const { outcome } = await client.upload(film, { pipeline: 'small' });
    expect(outcome).toEqual({ type: 'refused', status: 507, code: 'storage' });
    await expectHealed();
  },
);

test(
  'an upload that is larger than what is left is refused',
  { timeout: diskTimeoutMs },
  async (context) => {
    if (typeof disk === 'string') {
      context.skip(disk);
      return;
    }
    await leave(400 * 1024);
    const { outcome } = await client.upload(film, { pipeline: 'small' });
    expect(outcome).toEqual({ type: 'refused', status: 507, code: 'storage' });
    await expectHealed();
  },
);

test(
  'a disk that fills up behind the upload fails the job with storage, and heals',
  { timeout: diskTimeoutMs },
  async (context) => {
    if (typeof disk === 'string') {
      context.skip(disk);
      return;
    }
    const jobId = await client.submit(film, { pipeline: 'large', failsWith: 'storage' });
    await client.until(jobId, /"node":"validate","state":"running"/);
    // Others fill the disk meanwhile: a part of the film fits.
    await leave(100 * 1024);
    const ended = client.finish(jobId);
    // A store without room keeps the job open until there is some.
    const stuck = service.program.waitFor(/could not be stored/);
    await Promise.race([ended, stuck]);
    await rm(fillerPath(), { force: true });
    expect((await ended).error).toMatchObject({ code: 'storage' });
    await expectHealed();
  },
);
