import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import { FakeJobService } from '../../fakes/fake-job-service.ts';
import { inputOf, nodeOf } from '../../fakes/plans.ts';
import { createTempDirectory, type TempDirectory } from '../../support/temp-directory.ts';
import { CliHarness } from './cli-harness.ts';

let directory: TempDirectory;
let film: string;
let out: string;

beforeEach(async () => {
  directory = await createTempDirectory();
  film = join(directory.path, 'film.mp4');
  out = join(directory.path, 'out');
  await writeFile(film, Buffer.alloc(1000, 1));
});

afterEach(() => directory[Symbol.asyncDispose]());

/** Two nodes, one after the other. */
const plan = {
  pipeline: 'standard',
  nodes: [
    nodeOf('validate'),
    nodeOf('publish', {
      needs: ['validate'],
      inputs: [inputOf('one', 'source', 'validate')],
      optional: false,
    }),
  ],
};

/** A service whose jobs the test plays as soon as they are there. */
class PlayedService extends FakeJobService {
  readonly submittedJob = Promise.withResolvers<string>();

  override async submit(request: Parameters<FakeJobService['submit']>[0]) {
    const job = await super.submit(request);
    if (job.ok) this.submittedJob.resolve(request.jobId);
    return job;
  }
}

function playToEnd(service: PlayedService, jobId: string): void {
  service.start(jobId, 'validate');
  const source = { name: 'in', role: 'source' as const, product: false };
  service.succeed(jobId, 'validate', { files: [{ ...source, content: Buffer.from('x') }] });
  service.start(jobId, 'publish', 0);
  service.succeed(jobId, 'publish', {
    files: [
      { name: '720p.mp4', content: Buffer.from('film') },
      { name: 'manifest.json', content: Buffer.from('{"jobId":"j","artifacts":[]}') },
    ],
  });
}

/** What is left of scratch directories where the products go. */
async function scratchDirectories(): Promise<readonly string[]> {
  const names = await readdir(directory.path, { recursive: true });
  return names.filter((name) => name.includes('reelgraph-run-'));
}

describe('reelgraph run', () => {
  test('submits the film, follows the job and keeps the products', async () => {
    const service = new PlayedService([plan]);
    const cli = new CliHarness(service);
    const running = cli.run('run', film, '--out', out);
    playToEnd(service, await service.submittedJob.promise);
    expect(await running).toBe(0);
    expect((await readdir(out)).sort()).toEqual(['720p.mp4', 'manifest.json']);
    expect(await readFile(join(out, '720p.mp4'), 'utf8')).toBe('film');
    expect(service.submitted[0]?.upload).toMatchObject({ name: 'film.mp4', bytes: 1000 });
    expect(cli.out.text).toMatch(/^film\.mp4 {2}1000 B {2}standard$/m);
    expect(cli.out.text).toMatch(/validate started on 1 core$/m);
    expect(cli.out.text).toMatch(/^\* publish .* after validate/m);
    expect(cli.out.text).toContain('2 products in ');
    expect(cli.error.text).toBe('');
    expect(cli).toMatchObject({ closed: 1, listenerCount: 0 });
    expect(await scratchDirectories()).toEqual([]);
  });

  test('works in a scratch directory, with the models of the settings', async () => {
    const service = new PlayedService([plan]);
    const cli = new CliHarness(service, { env: { REELGRAPH_DATA_DIR: '/var/lib/films' } });
    const running = cli.run('run', film, '--out', out);
    playToEnd(service, await service.submittedJob.promise);
    await running;
    const [settings] = cli.started;
    expect(settings?.dataDir).toMatch(new RegExp(`^${directory.path}/\\.reelgraph-run-`));
    expect(settings).toMatchObject({ modelsDir: '/var/lib/films/models', logLevel: 'silent' });
  });

  test('works on the disk of the products, in their directory if it exists', async () => {
    await mkdir(join(out, '.reelgraph-run-killed'), { recursive: true });
    const service = new PlayedService([plan]);
    const cli = new CliHarness(service);
    const running = cli.run('run', film, '--out', out);
    playToEnd(service, await service.submittedJob.promise);
    expect(await running).toBe(0);
    expect(cli.started[0]?.dataDir).toMatch(new RegExp(`^${out}/\\.reelgraph-run-`));
    const left = ['.reelgraph-run-killed', '720p.mp4', 'manifest.json'];
    expect((await readdir(out)).sort()).toEqual(left);
  });

  test('says where it cannot write before it starts anything', async () => {
    const cli = new CliHarness(new PlayedService([plan]));
    expect(await cli.run('run', film, '--out', '/proc/films')).toBe(1);
    expect(cli.error.text).toContain('/proc cannot be written to. Choose another directory');
    expect(cli.started).toEqual([]);
  });

  test('passes parameters and the pipeline on', async () => {
    const service = new PlayedService([plan]);
    service.refusal = failure('invalid_request', 'There is no parameter "langage".');
    const cli = new CliHarness(service);
    const args = ['--param', 'langage=en', '--param', 'rate=2', '-p', 'standard'];
    expect(await cli.run('run', film, '--out', out, ...args)).toBe(2);
    expect(service.submitted[0]).toMatchObject({
      pipeline: 'standard',
      params: { langage: 'en', rate: 2 },
    });
    expect(cli.error.text).toBe('Error: There is no parameter "langage".\n');
    expect(await scratchDirectories()).toEqual([]);
  });

  test('ends with 1, the reason and what the operator should know, when the job fails', async () => {
    const service = new PlayedService([plan]);
    const cli = new CliHarness(service);
    const running = cli.run('run', film, '--out', out);
    const jobId = await service.submittedJob.promise;
    service.start(jobId, 'validate');
    service.fail(
      jobId,
      'validate',
      failure('corrupt', 'The film is damaged.', 'ffprobe …\nexit 1'),
    );
    expect(await running).toBe(1);
    expect(cli.error.text).toBe('Error: validate: The film is damaged.\n  ffprobe …\n  exit 1\n');
    expect(await readdir(directory.path)).toEqual(['film.mp4']);
  });

  test('cancels on the first Ctrl-C and ends at once on the second', async () => {
    const service = new PlayedService([plan]);
    const cli = new CliHarness(service);
    const running = cli.run('run', film, '--out', out);
    const jobId = await service.submittedJob.promise;
    service.start(jobId, 'validate');
    cli.interrupt();
    expect(cli.killedWith).toBeUndefined();
    cli.interrupt();
    expect(cli.killedWith).toBe(130);
    const attempt = 1;
    service.apply(jobId, (atMs) => ({
      type: 'attempt-stopped',
      atMs,
      nodeId: 'validate',
      attempt,
    }));
    expect(await running).toBe(130);
    expect(cli.out.text).toContain('Cancelling. Press Ctrl-C again to end at once.');
    expect(cli).toMatchObject({ closed: 1, listenerCount: 0 });
    expect(await scratchDirectories()).toEqual([]);
  });

  test('takes a terminal that hangs up twice for one wish to end', async () => {
    const service = new PlayedService([plan]);
    const cli = new CliHarness(service);
    const running = cli.run('run', film, '--out', out);
    const jobId = await service.submittedJob.promise;
    cli.interrupt('SIGHUP');
    cli.interrupt('SIGHUP');
    expect(cli.killedWith).toBeUndefined();
    expect(await running).toBe(130);
    expect((await service.get(jobId)).ok).toBe(true);
    cli.interrupt('SIGTERM');
    expect(cli).toMatchObject({ killedWith: undefined, listenerCount: 0 });
  });

  test('starts nothing when the output directory is somebody else’s', async () => {
    await mkdir(out);
    await writeFile(join(out, 'thesis.txt'), '');
    const cli = new CliHarness(new PlayedService([plan]));
    expect(await cli.run('run', film, '--out', out)).toBe(2);
    expect(cli.error.text).toContain('"thesis.txt"');
    expect(cli.started).toEqual([]);
  });

  test('says why the service cannot start', async () => {
    const cli = new CliHarness(new PlayedService([plan]));
    cli.refusal = 'There is no ffmpeg.';
    expect(await cli.run('run', film, '--out', out)).toBe(1);
    expect(cli.error.text).toBe('Error: There is no ffmpeg.\n');
  });

  test('refuses an empty film before it becomes a job', async () => {
    await writeFile(film, '');
    const service = new PlayedService([plan]);
    const cli = new CliHarness(service);
    expect(await cli.run('run', film, '--out', out)).toBe(2);
    expect(service.submitted).toEqual([]);
    expect(cli.error.text).toContain('empty');
  });
});

describe('reelgraph serve', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'says where it listens, and ends well on %s',
    async (signal) => {
      const cli = new CliHarness(new PlayedService([plan]));
      const serving = cli.run('serve');
      await cli.out.shows(/\n/);
      expect(cli.out.text).toMatch(
        /^reelgraph listens on http:\/\/127\.0\.0\.1:1 \(version 1\.2\.3, .*2 cores.*\)$/m,
      );
      cli.interrupt(signal);
      expect(await serving).toBe(0);
      expect(cli).toMatchObject({ closed: 1, listenerCount: 0 });
    },
  );
});

describe('the command line', () => {
  const cli = () => new CliHarness(new FakeJobService([plan]));

  test('prints its version', async () => {
    const line = cli();
    expect(await line.run('--version')).toBe(0);
    expect(line.out.text).toBe('1.2.3\n');
  });

  test('prints its commands when asked, and as an error when nothing is asked', async () => {
    const asked = cli();
    expect(await asked.run('--help')).toBe(0);
    for (const name of ['run', 'serve', 'graph', 'doctor', 'model', 'demo']) {
      expect(asked.out.text).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
    }
    const silent = cli();
    expect(await silent.run()).toBe(2);
    expect(silent.error.text).toContain('Usage: reelgraph');
  });

  test('warns of a variable that has no effect', async () => {
    const line = new CliHarness(new FakeJobService([plan]), { env: { REELGRAPH_PROT: '1' } });
    expect(await line.run('graph')).toBe(0);
    expect(line.error.text).toContain('Did you mean REELGRAPH_PORT?');
  });

  test.each([
    [['serv'], /unknown command 'serv'\n\(Did you mean serve\?\)/],
    [['serve', '--prot', '1'], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [['serve', '--port', 'http'], /--port is "http", but must be a whole number, from 0 to 65535/],
    [['run'], /missing required argument 'file'/],
    [['run', 'a.mp4', 'b.mp4'], /too many arguments/],
    [['run', 'a.mp4', '--param', 'x'], /--param name=value/],
    [['graph', '--format', 'png'], /Allowed choices are text, mermaid, dot/],
    [['graph', 'standart'], /Did you mean "standard"\?/],
    [['model'], /Usage: reelgraph model/],
  ])('refuses %j with a hint', async (argv, hint) => {
    const line = cli();
    expect(await line.run(...argv)).toBe(2);
    expect(line.error.text).toMatch(hint);
    expect(line.out.text).toBe('');
  });

  test('shows every setting in the help of every command', async () => {
    const line = cli();
    await line.run('doctor', '--help');
    expect(line.out.text).toMatch(
      /^ {2}--upload-bytes-max <size> +REELGRAPH_UPLOAD_BYTES_MAX +50 ?GiB$/m,
    );
    expect(line.out.text).toMatch(/^ {2}--ffmpeg-path <text> +FFMPEG_PATH$/m);
  });
});
