import { expect, test } from 'vitest';
import { createTempDirectory } from '../support/temp-directory.ts';
import { checkSettled } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import { prepareSmallWork } from './small-work.ts';

/** What service managers wait for before they send SIGKILL, in milliseconds. */
const stopMsMax = 30_000;

/** Five small jobs and two starts on a machine that others use as well. */
const stopTimeoutMs = 240_000;

test(
  'a service that is asked to end under load does so with code 0, and the next life finishes all',
  { timeout: stopTimeoutMs },
  async () => {
    await using directory = await createTempDirectory();
    const work = await prepareSmallWork(directory.path);
    await using service = await FaultyService.create({ flags: work.flags });
    await service.start();
    const client = new RecordingClient();
    client.url = service.url;
    const uploads = Array.from({ length: 5 }, () => client.upload(work.clip, { pipeline: 'wide' }));
    const [first] = await Promise.all(uploads);
    if (first?.outcome.type !== 'accepted') throw new Error('The upload was not accepted.');
    await client.until(first.outcome.jobId, /"node":"transcode-64p","state":"running"/);
    const startMs = performance.now();
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - startMs).toBeLessThan(stopMsMax);
    await service.start();
    client.url = service.url;
    for (const jobId of client.jobIds) {
      expect((await client.finish(jobId)).state).toBe('succeeded');
    }
    const parts = { history: client, products: new ProductCheck('full'), ...service.facts };
    const report = await checkSettled({ ...parts, serviceUrl: service.url });
    expect(report.violations).toEqual([]);
    expect(report.jobs).toBe(5);
    expect(report.doneTwice).toBe(0);
  },
);
