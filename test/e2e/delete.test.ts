import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { path as ffmpegPath } from '@ffmpeg-installer/ffmpeg';
import { expect, test } from 'vitest';
import { eventSchemas } from '../../src/api/schema.ts';
import { readServerEvents } from '../../src/cli/server-events.ts';
import { processesOf } from '../faults/processes-of.ts';
import { createTempDirectory } from '../support/temp-directory.ts';
import { until } from '../integration/api/api-rig.ts';
import { makeSilentClip } from './clips.ts';
import { ServiceProcess } from './service-process.ts';

const run = promisify(execFile);

/** Two seconds a hundred times over: quickly made, and far longer to encode than this test takes. */
async function makeLongClip(clip: string): Promise<string> {
  const path = `${clip}-long.mp4`;
  const copy = ['-stream_loop', '99', '-i', clip, '-c', 'copy', path];
  await run(ffmpegPath, ['-v', 'error', '-nostdin', ...copy]);
  return path;
}

/** Waits until the service says that a node runs. */
async function untilRunning(service: ServiceProcess, jobId: string, node: string): Promise<void> {
  const { body } = await fetch(`${service.url}/v1/jobs/${jobId}/events`);
  if (body === null) throw new Error('The events have no body.');
  for await (const { event, data } of readServerEvents(body)) {
    if (event !== 'node') continue;
    const told = eventSchemas.node.parse(JSON.parse(data));
    if (told.node === node && told.state === 'running') return;
  }
  throw new Error(`${node} never ran`);
}

test('a job is deleted while it is encoded: no process and no file of it stays', async () => {
  await using directory = await createTempDirectory();
  await using service = await ServiceProcess.start();
  const clip = await makeSilentClip(directory.path);
  const job = await service.submit(await makeLongClip(clip));
  const other = await service.submit(clip);
  await untilRunning(service, job.id, 'transcode-720p');
  const place = join(service.dataDir, 'scratch', job.id);
  await until(() => processesOf(place).length > 0);

  const deleted = await fetch(`${service.url}/v1/jobs/${job.id}`, { method: 'DELETE' });

  expect(deleted.status).toBe(204);
  expect(processesOf(place)).toEqual([]);
  const names = await readdir(service.dataDir, { recursive: true });
  expect(names.filter((name) => name.includes(job.id))).toEqual([]);
  expect((await fetch(`${service.url}/v1/jobs/${job.id}`)).status).toBe(404);
  expect((await service.finish(other.id)).state).toBe('succeeded');
}, 300_000);
