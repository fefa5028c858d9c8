import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jobSchema } from '../../src/api/schema.ts';
import { createTempDirectory } from '../support/temp-directory.ts';
import { makeSilentClip } from './clips.ts';
import { modelPath, root, ServiceProcess } from './service-process.ts';

const testTimeoutMs = 180_000;

/** The kept events of a job behind one, to the end of the stream. */
async function eventsAfter(service: ServiceProcess, jobId: string, lastId: number) {
  const response = await fetch(`${service.url}/v1/jobs/${jobId}/events`, {
    headers: { 'Last-Event-ID': String(lastId) },
  });
  const stream = await response.text();
  return [...stream.matchAll(/^id: (\d+)\n(event: .*\ndata: .*)$/gm)].map(([, id, text = '']) => ({
    id: Number(id),
    text,
  }));
}

test(
  'a job whose products could not be stored goes on at that point once the storage is mended',
  async () => {
    await using directory = await createTempDirectory();
    const pipelines = join(directory.path, 'pipelines');
    await mkdir(pipelines);
    const standard = await readFile(join(root, 'pipelines', 'standard.yaml'), 'utf8');
    await writeFile(
      join(pipelines, 'standard.yaml'),
      standard.replace('attempts: 5', 'attempts: 1'),
    );
    const clip = await makeSilentClip(directory.path);
    await using service = await ServiceProcess.start([
      ...['--whisper-model', modelPath, '--pipelines', pipelines],
    ]);
    const obstacle = join(service.dataDir, 'storage');
    await symlink(join(directory.path, 'unplugged'), obstacle);
    const failed = await service.run(clip);
    expect(failed).toMatchObject({
      state: 'failed',
      error: { node: 'publish', code: 'storage' },
    });
    const before = await eventsAfter(service, failed.id, 0);
    const lastId = before.at(-1)?.id ?? 0;
    expect(before.at(-1)?.text).toMatch(/^event: job\n.*"state":"failed"/);

    await rm(obstacle);
    const answer = await fetch(`${service.url}/v1/jobs/${failed.id}/retry`, { method: 'POST' });
    expect(answer.status).toBe(202);
    expect(jobSchema.parse(await answer.json()).state).toBe('running');
    const events = await eventsAfter(service, failed.id, lastId);

    const job = await service.readJob(failed.id);
    expect(job.state).toBe('succeeded');
    expect(job.error).toBeUndefined();
    expect(job.nodes.find(({ id }) => id === 'publish')?.attempt).toBe(2);
    for (const node of failed.nodes) {
      if (node.id !== 'publish') expect(job.nodes).toContainEqual(node);
    }
    expect((await service.download(job, 'manifest.json')).toString()).toContain('720p.mp4');
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => lastId + 1 + index));
    expect(events.at(-1)?.text).toMatch(/^event: job\n.*"state":"succeeded"/);
    const again = await fetch(`${service.url}/v1/jobs/${job.id}/retry`, { method: 'POST' });
    expect(again.status).toBe(409);
  },
  testTimeoutMs,
);
