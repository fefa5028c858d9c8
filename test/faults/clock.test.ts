import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTempDirectory } from '../support/temp-directory.ts';
import { checkSettled } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import { prepareSmallWork } from './small-work.ts';

const hourMs = 3_600_000;

/** Less than the jump by far, and enough for a small job on a busy machine. */
const clockTimeoutMs = 240_000;

/** Limits that an hour is far beyond, and a delay that a wrong clock could make an hour longer. */
const timedPipeline = `name: timed
nodes:
  validate:
    uses: validate
    timeout: 1m
  transcode:
    uses: transcode
    needs: [validate]
    with: { resolution: 64, preset: ultrafast }
    timeout: 1m
    retry: { attempts: 3, backoff: 2s }
  merge:
    uses: merge
    needs: [transcode]
    with: { name: film }
    timeout: 1m
  publish:
    uses: publish
    needs: [merge]
    timeout: 1m
`;

/** The step whose failure makes the node wait for its second attempt. */
const fail = {
  code: 'EIO',
  at: { name: 'rename jobs/<job>/transcode/<n>', occurrence: 1 },
} as const;

test(
  'a clock that jumps an hour forward ends no attempt and skips no step',
  { timeout: clockTimeoutMs },
  async () => {
    await using directory = await createTempDirectory();
    const work = await prepareSmallWork(directory.path);
    await writeFile(join(directory.path, 'pipelines', 'timed.yaml'), timedPipeline);
    await using service = await FaultyService.create({ flags: work.replayFlags });
    await service.start({ fail });
    const client = new RecordingClient();
    client.url = service.url;
    const jobId = await client.submit(work.clip, { pipeline: 'timed' });
    await client.until(jobId, /"node":"transcode","state":"delayed"/);
    await service.arm({ clockShiftMs: hourMs });
    await expectTwoAttempts(service, client, jobId);
  },
);

test(
  'a clock that jumps an hour back while a node runs ends no attempt and holds nothing up',
  { timeout: clockTimeoutMs },
  async () => {
    await using directory = await createTempDirectory();
    const work = await prepareSmallWork(directory.path);
    await writeFile(join(directory.path, 'pipelines', 'timed.yaml'), timedPipeline);
    await using service = await FaultyService.create({ flags: work.replayFlags });
    await service.start();
    const client = new RecordingClient();
    client.url = service.url;
    const jobId = await client.submit(work.clip, { pipeline: 'timed' });
    await client.until(jobId, /"node":"validate","state":"running"/);
    // The failure comes behind the jump: its delay is counted from the new time.
    await service.arm({ clockShiftMs: -hourMs, fail });
    await expectTwoAttempts(service, client, jobId);
  },
);

/** Expects that the job succeeds with the second attempt of its encoder, and that all is in order. */
async function expectTwoAttempts(
  service: FaultyService,
  client: RecordingClient,
  jobId: string,
): Promise<void> {
  const job = await client.finish(jobId);
  expect(job.error).toBeUndefined();
  expect(job.nodes.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 1]);
  const parts = { history: client, products: new ProductCheck('probe'), ...service.facts };
  const { violations } = await checkSettled({ ...parts, serviceUrl: service.url });
  expect(violations).toEqual([]);
}

test.each(['while the service runs', 'while it is down'])(
  'a retry that is due in a moment comes soon although the clock is set back %s',
  { timeout: clockTimeoutMs },
  async (when) => {
    await using directory = await createTempDirectory();
    const work = await prepareSmallWork(directory.path);
    await writeFile(join(directory.path, 'pipelines', 'timed.yaml'), timedPipeline);
    await using service = await FaultyService.create({ flags: work.replayFlags });
    await service.start({ clockShiftMs: hourMs, fail });
    const client = new RecordingClient();
    client.url = service.url;
    const jobId = await client.submit(work.clip, { pipeline: 'timed' });
    await client.until(jobId, /"node":"transcode","state":"delayed"/);
    if (when === 'while it is down') {
      await service.kill();
      await service.start();
      client.url = service.url;
    } else await service.arm({});
    expect((await client.finish(jobId)).error).toBeUndefined();
  },
);
