import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import type { App } from '../../../src/app.ts';
import { assert, required } from '../../../src/base/assert.ts';
import { newJobId } from '../../../src/base/ids.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { resultKeyOf } from '../../../src/jobs/reuse.ts';
import type { NodeKind } from '../../../src/nodes/node-kind.ts';
import { receiveUpload } from '../../../src/storage/intake.ts';
import type { StoredJob } from '../../../src/store/store.ts';
import { runProgram } from '../../support/media.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import { anyToolchain } from '../../support/toolchains.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const speech = join(root, 'fixtures', 'speech-model');
const never = new AbortController().signal;

/** The nodes of the standard pipeline that the clip, with fewer than 720 rows, does not skip. */
const reusableNodes = [
  'validate',
  'extract-audio',
  'thumbnail',
  'transcode-720p',
  'recognize-speech',
  'merge-720p',
];

/** Two whole runs take a while on a busy machine. */
const runsLimitMs = 180_000;

/** A small film in which somebody speaks, for all tests here. */
let clip: string;
let clips: TempDirectory;

beforeAll(async () => {
  clips = await createTempDirectory();
  clip = join(clips.path, 'clip.mp4');
  const { ffmpeg } = await anyToolchain();
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2'];
  const sound = ['-i', join(speech, 'sample.wav'), '-shortest'];
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
  await runProgram(ffmpeg.path, ['-v', 'error', ...picture, ...sound, ...codecs, clip]);
});

afterAll(() => clips[Symbol.asyncDispose]());

/** The real service on a data directory, with a look at which kinds run. */
class Service implements AsyncDisposable {
  readonly ran: string[] = [];
  readonly kinds = new Map<string, NodeKind>();
  readonly directory: string;
  #app!: App;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(directory: string, flags: Readonly<Record<string, string>> = {}) {
    const service = new Service(directory);
    const loaded = loadSettings({
      flags: {
        dataDir: directory,
        pipelines: join(root, 'pipelines'),
        whisperModel: join(speech, 'ggml-digits.bin'),
        logLevel: 'silent',
        ...flags,
      },
      env: { PATH: process.env['PATH'] },
    });
    assert(loaded.ok, 'the settings are good');
    const wrapKind = (kind: NodeKind): NodeKind => service.#watch(kind);
    const app = await createApp(loaded.value.settings, silentLogger, { wrapKind });
    assert(app.ok, 'the service is wired');
    service.#app = app.value;
    expect(await app.value.start()).toEqual({ ok: true, value: undefined });
    return service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
  }

  /** Runs the clip to the job's end. */
  async run(options: { usesCache?: boolean; params?: JsonObject } = {}): Promise<StoredJob> {
    const { usesCache = true, params = {} } = options;
    const jobId = newJobId();
    const upload = await receiveUpload(createReadStream(clip), {
      directory: this.directory,
      jobId,
      name: 'clip.mp4',
      bytesMax: 1e9,
      signal: never,
    });
    assert(upload.ok, 'the upload is received');
    const { service } = this.#app;
    const request = { jobId, upload: upload.value, pipeline: 'standard', priority: 0 };
    const submitted = await service.submit({ ...request, params, usesCache });
    assert(submitted.ok, 'the job is accepted');
    for await (const update of service.follow(jobId, 0, never)) void update;
    const job = await service.get(jobId);
    assert(job.ok, 'the job is there');
    return job.value.job;
  }

  /** Absolute path of a file that a node made. */
  path(job: StoredJob, nodeId: string, name: string): string {
    const artifact = artifactsOf(job, nodeId).find((one) => one.name === name);
    return join(this.directory, required(artifact, name).path);
  }

  #watch(kind: NodeKind): NodeKind {
    this.kinds.set(kind.name, kind);
    return {
      ...kind,
      run: (attempt) => {
        this.ran.push(attempt.nodeId);
        return kind.run(attempt);
      },
    };
  }
}

function artifactsOf({ state }: StoredJob, nodeId: string) {
  return required(
    state.nodes.find(({ id }) => id === nodeId),
    nodeId,
  ).artifacts;
}

/** The files of a node as what they hold: name → digest. */
function digestsOf(job: StoredJob, nodeId: string): Readonly<Record<string, string>> {
  return Object.fromEntries(artifactsOf(job, nodeId).map(({ name, sha256 }) => [name, sha256]));
}

function reusedNodes({ state }: StoredJob): readonly string[] {
  return state.nodes.filter(({ isReused }) => isReused).map(({ id }) => id);
}

describe('a film that is uploaded again', () => {
  let directory: TempDirectory;
  let first: StoredJob;
  beforeAll(async () => {
    directory = await createTempDirectory();
    await using service = await Service.open(directory.path);
    first = await service.run();
    expect(first.state.phase).toBe('succeeded');
    expect(new Set(service.ran)).toEqual(new Set([...reusableNodes, 'publish']));
  }, runsLimitMs);
  afterAll(() => directory[Symbol.asyncDispose]());

  it('runs only publish, and gives the same products, byte by byte', async () => {
    await using service = await Service.open(directory.path);
    const second = await service.run();
    expect([second.state.phase, service.ran]).toEqual(['succeeded', ['publish']]);
    expect(reusedNodes(second)).toEqual(reusableNodes);
    const products = reusableNodes.flatMap((nodeId) =>
      artifactsOf(second, nodeId).filter(({ product }) => product),
    );
    expect(products).toHaveLength(6);
    for (const { name } of products) {
      const stored = ({ state }: StoredJob) =>
        readFile(join(directory.path, 'storage', state.id, name));
      expect([name, (await stored(second)).equals(await stored(first))]).toEqual([name, true]);
    }
  });

  it('runs what depends on a parameter that differs', async () => {
    await using service = await Service.open(directory.path);
    const job = await service.run({ params: { language: 'de' } });
    expect(reusedNodes(job)).not.toContain('recognize-speech');
    expect(reusedNodes(job)).toEqual(expect.arrayContaining(['validate', 'transcode-720p']));
    expect(service.ran[0]).toBe('recognize-speech');
  });

  it('is checked anew where the limits have changed', async () => {
    await using service = await Service.open(directory.path, { streamsMax: '1' });
    const job = await service.run();
    expect(job.state.failure).toMatchObject({ code: 'limit_streams', nodeId: 'validate' });
    expect(service.ran).toEqual(['validate']);
  });
});

describe('two runs of the same work', () => {
  let directories: readonly TempDirectory[];
  let services: readonly [Service, Service];
  let jobs: readonly [StoredJob, StoredJob];
  beforeAll(async () => {
    directories = [await createTempDirectory(), await createTempDirectory()];
    const [a, b] = directories.map(({ path }) => path);
    // On another number of cores, in another job of another service.
    services = [
      await Service.open(a ?? '', { cores: '1' }),
      await Service.open(b ?? '', { cores: '4' }),
    ];
    jobs = [await services[0].run(), await services[1].run()];
  }, runsLimitMs);
  afterAll(async () => {
    for (const service of services) await service[Symbol.asyncDispose]();
    for (const directory of directories) await directory[Symbol.asyncDispose]();
  });

  it.each(['validate', 'extract-audio', 'thumbnail', 'recognize-speech'])(
    'of %s have one key and the same bytes',
    (nodeId) => {
      const [first, second] = jobs;
      const keys = jobs.map((job) => resultKeyOf(job, nodeId, services[0].kinds));
      expect(keys[0]).toBeDefined();
      expect(keys[1]).toBe(keys[0]);
      expect(digestsOf(second, nodeId)).toEqual(digestsOf(first, nodeId));
      expect(second.state.media).toEqual(first.state.media);
    },
  );

  it('of transcode have one key and the same pictures at the same times, to the eye', async () => {
    const nodeId = 'transcode-720p';
    const keys = jobs.map((job) => resultKeyOf(job, nodeId, services[0].kinds));
    expect(keys[0]).toBeDefined();
    expect(keys[1]).toBe(keys[0]);
    const [first = '', second = ''] = jobs.map((job, index) =>
      required(services[index], 'a service').path(job, nodeId, '720p.video.mp4'),
    );
    const { ffmpeg, ffprobe } = await anyToolchain();
    const entries = 'stream=codec_name,profile,width,height:packet=pts';
    const factsOf = async (path: string) =>
      String(await runProgram(ffprobe.path, ['-v', 'error', '-show_entries', entries, path]));
    expect(sortedLines(await factsOf(second))).toEqual(sortedLines(await factsOf(first)));
    expect(await similarityOf(ffmpeg.path, first, second)).toBeGreaterThan(0.99);
  });

  it('of merge have one key where they read the same files, and then the same bytes', async () => {
    const [service] = services;
    const { kinds } = service;
    const again = await service.run({ usesCache: false });
    const [first] = jobs;
    expect(digestsOf(again, 'transcode-720p')).toEqual(digestsOf(first, 'transcode-720p'));
    const sharing = { ...again, state: { ...again.state, usesCache: true } };
    expect(resultKeyOf(sharing, 'merge-720p', kinds)).toBe(resultKeyOf(first, 'merge-720p', kinds));
    expect(digestsOf(again, 'merge-720p')).toEqual(digestsOf(first, 'merge-720p'));
  });

  it('of publish have no key: what it does lies outside', () => {
    expect(resultKeyOf(jobs[0], 'publish', services[0].kinds)).toBeUndefined();
  });
});

function sortedLines(text: string): readonly string[] {
  return text.split('\n').toSorted();
}

/** How similar two films are: 1 where all pictures are the same (structural similarity, mean). */
async function similarityOf(ffmpeg: string, first: string, second: string): Promise<number> {
  const filter = 'ssim=stats_file=-';
  const args = ['-v', 'error', '-i', first, '-i', second, '-lavfi', filter, '-f', 'null', '-'];
  const stdout = String(await runProgram(ffmpeg, args));
  const values = [...stdout.matchAll(/All:([\d.]+)/g)].map(([, value]) => Number(value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
