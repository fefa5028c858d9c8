import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createTempDirectory, type TempDirectory } from '../support/temp-directory.ts';
import { makeSilentClip } from './clips.ts';
import { root, ServiceProcess } from './service-process.ts';

const run = promisify(execFile);
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The commands of an example of the README, one per line. */
function exampleOf(name: string): readonly string[] {
  const pattern = new RegExp(`<!-- example: ${name} -->\n+\`\`\`sh\n([^\`]+)\`\`\``);
  const commands = pattern.exec(readme)?.[1]?.trim().split('\n') ?? [];
  if (commands.length === 0) throw new Error(`The README has no example "${name}".`);
  return commands;
}

describe('the examples of the README', () => {
  let directory: TempDirectory;
  let service: ServiceProcess;
  let clip: string;

  beforeAll(async () => {
    directory = await createTempDirectory();
    service = await ServiceProcess.start();
    clip = await makeSilentClip(directory.path);
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  /** Runs a command as it stands, but for the port and the clip, which are the test's own. */
  async function shell(command: string, job = ''): Promise<string> {
    const adapted = command
      .replaceAll('http://127.0.0.1:8080', service.url)
      .replaceAll('fixtures/sample.mp4', clip);
    const env = { ...process.env, JOB: job };
    const { stdout } = await run('sh', ['-c', adapted], { cwd: directory.path, env });
    return stdout;
  }

  test('upload, follow, retry and fetch', async () => {
    const [upload = ''] = exampleOf('upload');
    const created = z
      .object({ id: z.string(), nodes: z.array(z.unknown()) })
      .parse(JSON.parse(await shell(upload)));
    expect(created.nodes).toHaveLength(9);

    const [read = '', follow = ''] = exampleOf('follow');
    expect(JSON.parse(await shell(read, created.id))).toMatchObject({ id: created.id });
    const events = await shell(follow, created.id);
    expect(events).toMatch(/^event: node$/m);
    expect(events).toMatch(/^data: .*"state":"succeeded"/m);

    const [retrying = ''] = exampleOf('retry');
    expect(JSON.parse(await shell(retrying, created.id))).toMatchObject({ state: 'running' });
    expect(await shell(follow, created.id)).toMatch(
      /^data: .*"node":"thumbnail","state":"waiting"/m,
    );
    expect(JSON.parse(await shell(read, created.id))).toMatchObject({ state: 'succeeded' });

    const [fetching = ''] = exampleOf('fetch');
    await shell(fetching, created.id);
    const { size } = await stat(join(directory.path, '720p.mp4'));
    expect(size).toBeGreaterThan(1000);
  });

  test('send again, and delete', async () => {
    const [send = ''] = exampleOf('send-again');
    const { id } = z.object({ id: z.string() }).parse(JSON.parse(await shell(send)));
    expect(JSON.parse(await shell(send))).toMatchObject({ id });

    const [remove = ''] = exampleOf('delete');
    expect(await shell(remove, id)).toBe('');
    const [read = ''] = exampleOf('follow');
    expect(JSON.parse(await shell(read, id))).toMatchObject({ status: 404, code: 'not_found' });
  });
});
