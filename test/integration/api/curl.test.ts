import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobSchema } from '../../../src/api/schema.ts';
import { ApiRig } from './api-rig.ts';

/** What people will type. Commands are argument lists, so no shell is between. */
const run = promisify(execFile);
const film = Buffer.alloc(300_000, 'film');

let rig: ApiRig;
let directory: string;

beforeEach(async () => {
  rig = await ApiRig.start();
  directory = await mkdtemp(join(tmpdir(), 'reelgraph-curl-'));
  await writeFile(join(directory, 'my film.mp4'), film);
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function curl(...argv: string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', ...argv], { cwd: directory });
  return stdout;
}

describe('curl', () => {
  test.each([
    ['-F file=@', ['-F', 'file=@my film.mp4', '-F', 'pipeline=audio'], 'my film.mp4'],
    ['--data-binary', ['--data-binary', '@my film.mp4'], 'upload'],
    ['-X POST -T', ['-X', 'POST', '-T', 'my film.mp4'], 'upload'],
    [
      '-T with chunks',
      ['-X', 'POST', '-T', 'my film.mp4', '-H', 'Transfer-Encoding: chunked'],
      'upload',
    ],
    ['with Expect', ['--data-binary', '@my film.mp4', '-H', 'Expect: 100-continue'], 'upload'],
  ])('sends a film with %s', async (_, argv, name) => {
    const job = jobSchema.parse(JSON.parse(await curl(...argv, `${rig.url}/v1/jobs`)));

    expect(job.name).toBe(name);
    expect(rig.service.submitted[0]?.upload.bytes).toBe(film.length);
  });

  test('is told what is wrong while it still sends', async () => {
    await using small = await ApiRig.start({ limits: { uploadBytesMax: 1000 } });

    const answer = await curl('--data-binary', '@my film.mp4', `${small.url}/v1/jobs`);

    expect(JSON.parse(answer)).toMatchObject({ status: 413, code: 'limit_size' });
  });

  test('fetches a product in two parts', async () => {
    const jobId = await rig.makeJob();
    rig.service.start(jobId, 'validate');
    rig.service.succeed(jobId, 'validate', { files: [{ name: '720p.mp4', content: film }] });
    const url = `${rig.url}/v1/jobs/${jobId}/artifacts/720p.mp4`;

    await curl('-r', '0-99999', '-o', 'part.mp4', url);
    await curl('-C', '-', '-o', 'part.mp4', url);

    const { stdout } = await run('cmp', ['part.mp4', 'my film.mp4'], { cwd: directory });
    expect(stdout).toBe('');
  });
});
