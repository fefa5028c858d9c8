import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobView } from '../../src/api/schema.ts';
import { makeRecording } from '../e2e/clips.ts';
import { modelPath } from '../e2e/service-process.ts';
import { createTempDirectory } from '../support/temp-directory.ts';
import type { TempDirectory } from '../support/temp-directory.ts';
import { checkSettled } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import { childOf } from './processes-of.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import { makeClip, prepareSmallWork } from './small-work.ts';

/** A few encodings of a second each on a machine that others use as well. */
const childTimeoutMs = 180_000;

/**
 * Times faster that the service's clock runs where a child stands still: its minute until a run counts
 * as stalled is six seconds then.
 */
const timeScale = 10;

/** Sound and captions, with little time for them: an engine that stands still is given up. */
const spokenPipeline = `name: spoken
nodes:
  validate:
    uses: validate
  extract-audio:
    uses: extract-audio
    needs: [validate]
  recognize-speech:
    uses: recognize-speech
    needs: [extract-audio]
    with: { language: en }
    timeout: 20s
    retry: { attempts: 3, backoff: 50ms }
  publish:
    uses: publish
    needs: [recognize-speech]
`;

const encoder = /transcode.*p\.video\.mp4/;
const speechEngine = /speech-child/;

let directory: TempDirectory;
let flags: readonly string[];
let film: string;
let recording: string;

beforeAll(async () => {
  directory = await createTempDirectory();
  const work = await prepareSmallWork(directory.path);
  // One engine by name, so that its first child is the one that recognizes.
  flags = [...work.flags, '--whisper-model', modelPath, '--recognizer', 'addon'];
  const pipelines = join(directory.path, 'pipelines');
  await writeFile(join(pipelines, 'spoken.yaml'), spokenPipeline);
  film = await makeClip(join(directory.path, 'film.mp4'), { size: '1280x720', seconds: 3 });
  recording = await makeRecording(directory.path);
});

afterAll(() => directory[Symbol.asyncDispose]());

/** A job whose children get signals. */
interface Signalled {
  readonly path: string;
  readonly pipeline: string;
  /** The node that runs the child. */
  readonly nodeId: string;
  readonly command: RegExp;
  /** What the child of each attempt gets, from the first on. */
  readonly signals: readonly NodeJS.Signals[];
  readonly timeScale?: number;
  /** The code that the job fails with in the end. */
  readonly failsWith?: string;
}

/** Runs the job, checks the whole directory at the end, and gives the job as it ended. */
async function runSignalled(order: Signalled): Promise<{ job: JobView; log: string }> {
  await using service = await FaultyService.create({ flags });
  await service.start(order.timeScale === undefined ? {} : { timeScale: order.timeScale });
  const client = new RecordingClient();
  client.url = service.url;
  const jobId = await client.submit(order.path, order);
  for (const [index, signal] of order.signals.entries()) {
    const attempt = new RegExp(`"${order.nodeId}","state":"running","attempt":${index + 1}`);
    await client.until(jobId, attempt);
    process.kill(await childOf(service.pid, order.command), signal);
  }
  const job = await client.finish(jobId);
  const parts = { history: client, products: new ProductCheck('full'), ...service.facts };
  const { violations } = await checkSettled({ ...parts, serviceUrl: service.url });
  expect(violations).toEqual([]);
  return { job, log: service.program.output };
}

function attemptsOf(job: JobView, nodeId: string): number | undefined {
  return job.nodes.find(({ id }) => id === nodeId)?.attempt;
}

test.each(['SIGKILL', 'SIGSEGV'] as const)(
  'an encoder that is ended by %s is started again, and the film is whole',
  async (signal) => {
    const order = { path: film, pipeline: 'slow', nodeId: 'transcode', command: encoder };
    const { job } = await runSignalled({ ...order, signals: [signal] });
    expect(job.error).toBeUndefined();
    expect(attemptsOf(job, 'transcode')).toBe(2);
    expect(attemptsOf(job, 'validate')).toBe(1);
  },
  childTimeoutMs,
);

test(
  'an encoder that is killed every time fails the job, and nothing of it is stored',
  async () => {
    // What the kernel does to a child for which there is no memory.
    const signals = ['SIGKILL', 'SIGKILL', 'SIGKILL'] as const;
    const order = { path: film, pipeline: 'slow', nodeId: 'transcode', command: encoder };
    const { job } = await runSignalled({ ...order, signals, failsWith: 'resource' });
    expect(job.error).toMatchObject({ code: 'resource', node: 'transcode' });
    expect(job.artifacts).toEqual([]);
  },
  childTimeoutMs,
);

test(
  'an encoder that stands still is ended and started again',
  async () => {
    const order = { path: film, pipeline: 'slow', nodeId: 'transcode', command: encoder };
    const { job, log } = await runSignalled({ ...order, signals: ['SIGSTOP'], timeScale });
    expect(log).toContain('"stalled"');
    expect(job.error).toBeUndefined();
    expect(attemptsOf(job, 'transcode')).toBe(2);
  },
  childTimeoutMs,
);

test.each(['SIGKILL', 'SIGSEGV', 'SIGSTOP'] as const)(
  'a speech engine that gets %s is started again, and the captions are there',
  async (signal) => {
    const order = { path: recording, pipeline: 'spoken', nodeId: 'recognize-speech' };
    const { job } = await runSignalled({ ...order, command: speechEngine, signals: [signal] });
    expect(job.error).toBeUndefined();
    expect(attemptsOf(job, 'recognize-speech')).toBe(2);
    expect(job.artifacts.map(({ name }) => name)).toContain('captions.vtt');
  },
  childTimeoutMs,
);
