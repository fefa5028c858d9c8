import { describe, expect, test } from 'vitest';
import { formatEvent, toEventView } from '../../../src/api/event-view.ts';
import { toJobView as toApiJob } from '../../../src/api/job-view.ts';
import { failure } from '../../../src/base/failure.ts';
import { toJobChange, toRemoteJob, type RemoteJob } from '../../../src/cli/job-client.ts';
import { localSource, watchJob, type JobChange } from '../../../src/cli/job-source.ts';
import { toJobView, type JobView } from '../../../src/cli/job-view.ts';
import { parseServerEvent } from '../../../src/cli/server-events.ts';
import type { JobDisplay } from '../../../src/cli/job-display.ts';
import { FakeJobService } from '../../fakes/fake-job-service.ts';
import { standardPlan } from '../../fakes/standard-plan.ts';

const jobId = 'j'.repeat(22);
const work = { durationSec: 10, transcodeCoresMax: 2, speechCoresMax: 1, speechFactor: 0.1 };

/** A job of which one node did with an earlier result, one runs, and one has failed for good. */
async function startedJob(): Promise<FakeJobService> {
  const service = new FakeJobService([standardPlan(work)]);
  const upload = {
    name: 'film.mp4',
    bytes: 5,
    sha256: '0'.repeat(64),
    path: `incoming/${jobId}/in`,
  };
  await service.submit({ jobId, upload, pipeline: 'standard', params: {}, priority: 0 });
  service.start(jobId, 'validate');
  const source = { name: 'source', content: Buffer.from('film'), product: false };
  const files = [{ ...source, role: 'source' }] as const;
  service.succeed(jobId, 'validate', { files, isReused: true });
  service.start(jobId, 'transcode-720p', 2);
  service.report(jobId, 'transcode-720p', 0.25);
  return service;
}

async function viewsOf(service: FakeJobService): Promise<{ local: JobView; remote: RemoteJob }> {
  const snapshot = await service.get(jobId);
  if (!snapshot.ok) throw new Error(snapshot.error.message);
  const baseUrl = 'http://127.0.0.1:8080';
  return {
    local: toJobView(snapshot.value),
    remote: toRemoteJob(toApiJob(snapshot.value, ''), baseUrl),
  };
}

describe('a job behind the API', () => {
  test('looks the same as in its own process', async () => {
    const service = await startedJob();
    const { local, remote } = await viewsOf(service);
    expect(remote.view).toEqual(local);
    expect(remote.view.nodes[0]).toMatchObject({ id: 'validate', isReused: true });
    expect(remote.view.nodes.find((node) => node.id === 'transcode-720p')).toMatchObject({
      phase: 'running',
      progress: 0.25,
      cores: 2,
    });
  });

  test('looks the same after it failed, but for what only operators see', async () => {
    const service = await startedJob();
    service.fail(jobId, 'transcode-720p', failure('corrupt', 'It is damaged.', 'ffmpeg -i …'));
    const { local, remote } = await viewsOf(service);
    expect(local.failure?.operatorDetail).toBe('ffmpeg -i …');
    expect(remote.view.failure).toEqual({
      code: 'corrupt',
      message: 'It is damaged.',
      nodeId: 'transcode-720p',
    });
    expect({ ...remote.view, failure: undefined }).toEqual({ ...local, failure: undefined });
  });

  test('has products with whole addresses', async () => {
    const service = await startedJob();
    const files = [{ name: '720p.mp4', content: Buffer.from('film') }];
    service.succeed(jobId, 'transcode-720p', { files });
    const { remote } = await viewsOf(service);
    expect(remote.products).toEqual([
      {
        name: '720p.mp4',
        mediaType: 'video/mp4',
        bytes: 4,
        url: `http://127.0.0.1:8080/v1/jobs/${jobId}/artifacts/720p.mp4`,
      },
    ]);
  });

  test('tells the same events as in its own process', async () => {
    const service = await startedJob();
    service.succeed(jobId, 'transcode-720p', {
      warnings: [{ code: 'w', message: 'A warning.', nodeId: 'transcode-720p' }],
    });
    await service.cancel(jobId);
    const signal = new AbortController().signal;
    const local: JobChange[] = [];
    for await (const change of localSource(service, jobId).updates(signal)) local.push(change);
    const remote: JobChange[] = [];
    for await (const update of service.follow(jobId, 0, signal)) {
      const event = parseServerEvent(formatEvent(toEventView(update)).trim());
      const change = event && toJobChange(event);
      if (change !== undefined) remote.push(change);
    }
    expect(remote.length).toBeGreaterThan(10);
    expect(remote).toEqual(local);
  });

  test('may tell events that this version does not know', () => {
    expect(toJobChange({ event: 'future', data: '{}' })).toBeUndefined();
  });
});

describe('watching a job', () => {
  test('shows every state and gives the last one', async () => {
    const service = await startedJob();
    const shown: JobView[] = [];
    const noticed: string[] = [];
    const display: JobDisplay = {
      show: (view) => void shown.push(view),
      notice: (notice) => void noticed.push(notice.type),
      say() {},
      close() {},
    };
    const watching = watchJob(localSource(service, jobId), display, new AbortController().signal);
    service.report(jobId, 'transcode-720p', 0.5);
    await service.cancel(jobId);
    service.apply(jobId, (atMs) => ({
      type: 'attempt-stopped',
      atMs,
      nodeId: 'transcode-720p',
      attempt: 1,
    }));
    const ended = await watching;
    expect(ended.ok && ended.value.phase).toBe('cancelled');
    expect(shown[0]?.phase).toBe('running');
    expect(noticed.at(-1)).toBe('job');
    expect(service.followers).toBe(0);
  });

  test('ends early when asked to, with the state of that moment', async () => {
    const service = await startedJob();
    const stop = new AbortController();
    const display: JobDisplay = { show() {}, notice() {}, say() {}, close() {} };
    const watching = watchJob(localSource(service, jobId), display, stop.signal);
    stop.abort();
    const ended = await watching;
    expect(ended.ok && ended.value.phase).toBe('running');
    expect(service.followers).toBe(0);
  });

  test('fails when there is no such job', async () => {
    const display: JobDisplay = { show() {}, notice() {}, say() {}, close() {} };
    const source = localSource(new FakeJobService([]), jobId);
    expect(await watchJob(source, display, new AbortController().signal)).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
  });
});
