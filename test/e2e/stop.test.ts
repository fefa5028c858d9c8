import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventSchemas, jobSchema, type JobView } from '../../src/api/schema.ts';
import { readServerEvents } from '../../src/cli/server-events.ts';
import { until } from '../integration/api/api-rig.ts';
import { makeSilentClip } from './clips.ts';
import { modelPath, Program, samplePath, ServiceProcess } from './service-process.ts';
import { createTempDirectory } from '../support/temp-directory.ts';

const testTimeoutMs = 300_000;

/** How a stop may take longer than its grace, in milliseconds. */
const slackMs = 5_000;

/** The attempts of the nodes as the store has them, once its service has ended. */
function storedNodes(dataDir: string, jobId: string) {
  const database = new DatabaseSync(join(dataDir, 'reelgraph.sqlite'), { readOnly: true });
  try {
    const query = database.prepare(
      'select id, phase, attempt, excused_count, lost_count from nodes where job_id = ?',
    );
    return new Map(query.all(jobId).map((row) => [row['id'], { ...row }]));
  } finally {
    database.close();
  }
}

/** Waits until a node of a job runs and has got somewhere. */
async function untilRunning(service: ServiceProcess, jobId: string, node: string): Promise<void> {
  const response = await fetch(`${service.url}/v1/jobs/${jobId}/events`);
  if (response.body === null) throw new Error('The events have no body.');
  for await (const { event, data } of readServerEvents(response.body)) {
    if (event === 'progress' && eventSchemas.progress.parse(JSON.parse(data)).node === node) return;
  }
  throw new Error(`${node} never ran`);
}

/** Follows a job's events to the end of the stream; says whether it ended as a whole answer. */
async function follow(service: ServiceProcess, jobId: string): Promise<number> {
  const response = await fetch(`${service.url}/v1/jobs/${jobId}/events`);
  if (response.body === null) throw new Error('The events have no body.');
  let count = 0;
  for await (const { event } of readServerEvents(response.body)) count += event === '' ? 0 : 1;
  return count;
}

async function finishOn(program: Program, jobId: string): Promise<JobView> {
  const [, url = ''] = await program.waitFor(/listens on (http:\/\/[^\s]+)/);
  const response = await fetch(`${url}/v1/jobs/${jobId}/events`);
  await response.text();
  return jobSchema.parse(await (await fetch(`${url}/v1/jobs/${jobId}`)).json());
}

test(
  'a service that is told to stop hands a long node back, and the next one finishes the job',
  async () => {
    await using service = await ServiceProcess.start(['--stop-grace-sec', '2']);
    const { id } = await service.submit(samplePath);
    const followed = follow(service, id);
    await untilRunning(service, id, 'transcode-1080p');
    const startMs = performance.now();

    expect(await service.stop()).toBe(0);

    expect(performance.now() - startMs).toBeLessThan(2_000 + slackMs);
    // The followers' answers ended, they were not cut.
    expect(await followed).toBeGreaterThan(3);
    const nodes = storedNodes(service.dataDir, id);
    expect(nodes.get('transcode-1080p')).toMatchObject({
      phase: 'ready',
      attempt: 1,
      excused_count: 1,
      lost_count: null,
    });
    expect(nodes.get('validate')).toMatchObject({ phase: 'succeeded', attempt: 1 });
    for (const { phase, lost_count: lostCount } of nodes.values()) {
      expect(['succeeded', 'ready', 'waiting', 'skipped']).toContain(phase);
      expect(lostCount).toBeNull();
    }

    await using next = new Program([
      ...[
        'src/main.ts',
        'serve',
        '--port',
        '0',
        '--data-dir',
        service.dataDir,
        '--whisper-model',
        modelPath,
      ],
    ]);
    const job = await finishOn(next, id);
    expect(job.state).toBe('succeeded');
    expect(job.nodes.find((node) => node.id === 'transcode-1080p')?.attempt).toBe(2);
    expect(job.nodes.find((node) => node.id === 'validate')?.attempt).toBe(1);
    next.child.kill('SIGTERM');
    expect(await next.exited).toEqual({ code: 0, signal: null });
    for (const row of storedNodes(service.dataDir, id).values()) {
      expect(row['lost_count']).toBeNull();
    }
  },
  testTimeoutMs,
);

test(
  'a node that is nearly done is let end',
  async () => {
    await using directory = await createTempDirectory();
    const clip = await makeSilentClip(directory.path);
    await using service = await ServiceProcess.start(['--stop-grace-sec', '60']);
    const { id } = await service.submit(clip);
    await until(async () => (await service.readJob(id)).state === 'running');

    expect(await service.stop()).toBe(0);

    const nodes = storedNodes(service.dataDir, id);
    for (const { phase, attempt, excused_count: excused } of nodes.values()) {
      if (attempt === 0) continue;
      expect({ phase, attempt, excused }).toEqual({
        phase: 'succeeded',
        attempt: 1,
        excused: null,
      });
    }
    expect(nodes.get('validate')).toMatchObject({ phase: 'succeeded' });
  },
  testTimeoutMs,
);

test(
  'a second signal makes it hurry, and it still ends well',
  async () => {
    await using service = await ServiceProcess.start(['--stop-grace-sec', '600']);
    const { id } = await service.submit(samplePath);
    await untilRunning(service, id, 'transcode-720p');
    const startMs = performance.now();
    service.program.child.kill('SIGTERM');
    await service.program.waitFor(/Stopping/);
    service.program.child.kill('SIGINT');

    expect((await service.program.exited).code).toBe(0);

    expect(performance.now() - startMs).toBeLessThan(slackMs);
    for (const row of storedNodes(service.dataDir, id).values()) {
      expect(row['phase']).not.toBe('running');
      expect(row['lost_count']).toBeNull();
    }
  },
  testTimeoutMs,
);
