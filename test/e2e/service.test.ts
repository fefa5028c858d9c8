import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { JobView, NodeView } from '../../src/api/schema.ts';
import { createTempDirectory, type TempDirectory } from '../support/temp-directory.ts';
import {
  makePortraitClip,
  makeRecording,
  makeSilentClip,
  makeSmallClip,
  pixelAt,
  probe,
} from './clips.ts';
import { root, samplePath, ServiceProcess } from './service-process.ts';

/** Longest run of the sample on a small, busy machine. */
const sampleTimeoutMs = 300_000;

let service: ServiceProcess;
let directory: TempDirectory;

beforeAll(async () => {
  directory = await createTempDirectory();
  service = await ServiceProcess.start();
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function nodeOf(job: JobView, id: string): NodeView {
  const node = job.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) throw new Error(`There is no node ${id}.`);
  return node;
}

function statesOf(job: JobView): Record<string, string> {
  return Object.fromEntries(job.nodes.map((node) => [node.id, node.state]));
}

function timeOf(time: string | undefined): number {
  return time === undefined ? Number.NaN : Date.parse(time);
}

/** Stores a product beside the clips, for tools that read files. */
async function save(job: JobView, name: string): Promise<string> {
  const path = join(directory.path, `${job.id}-${name}`);
  await writeFile(path, await service.download(job, name));
  return path;
}

/** Cues of a WebVTT file, times in milliseconds. */
function parseCues(text: string): readonly { startMs: number; endMs: number; text: string }[] {
  const time = /(?:(\d+):)?(\d\d):(\d\d)\.(\d{3})/;
  const toMs = (stamp: string): number => {
    const [, hours = '0', minutes = '0', seconds = '0', millis = '0'] = time.exec(stamp) ?? [];
    return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(millis);
  };
  return text
    .trimEnd()
    .split(/\r?\n\r?\n/)
    .flatMap((block) => {
      const lines = block.split(/\r?\n/);
      const index = lines.findIndex((line) => line.includes('-->'));
      const [start = '', end = ''] = lines[index]?.split('-->') ?? [];
      if (index < 0) return [];
      return [{ startMs: toMs(start), endMs: toMs(end), text: lines.slice(index + 1).join(' ') }];
    });
}

const utterances = z
  .object({ segments: z.array(z.object({ t0: z.number(), t1: z.number(), text: z.string() })) })
  .parse(
    JSON.parse(readFileSync(join(root, 'fixtures/speech-model/sample.json'), 'utf8')),
  ).segments;

describe('the sample clip', () => {
  let created: JobView;
  let job: JobView;

  beforeAll(async () => {
    created = await service.submit(samplePath);
    job = await service.finish(created.id);
  }, sampleTimeoutMs);

  test('shows its nine nodes from the upload on', () => {
    expect(created.nodes.map((node) => node.id)).toEqual([
      'validate',
      'extract-audio',
      'thumbnail',
      'transcode-720p',
      'transcode-1080p',
      'recognize-speech',
      'merge-720p',
      'merge-1080p',
      'publish',
    ]);
    expect(created.state).toMatch(/^(queued|running)$/);
  });

  test('succeeds with every product', () => {
    expect(job.error).toBeUndefined();
    expect(job.state).toBe('succeeded');
    expect(job.warnings).toEqual([]);
    expect(job.progress).toBe(1);
    expect(job.artifacts.map((artifact) => artifact.name).sort()).toEqual([
      '1080p.mp4',
      '720p.mp4',
      'audio.m4a',
      'captions.srt',
      'captions.vtt',
      'manifest.json',
      'thumbnail.jpg',
      'transcript.json',
    ]);
  });

  test('starts no node before everything it needs has ended', () => {
    for (const node of job.nodes) {
      for (const need of node.needs) {
        expect(timeOf(node.startedAt)).toBeGreaterThanOrEqual(timeOf(nodeOf(job, need).endedAt));
      }
    }
  });

  test('readies each node the moment its last need is done', () => {
    const lastNeeds: Record<string, string[]> = {
      'extract-audio': ['validate'],
      thumbnail: ['validate'],
      'transcode-720p': ['validate'],
      'transcode-1080p': ['validate'],
      'recognize-speech': ['extract-audio'],
      'merge-720p': ['transcode-720p', 'recognize-speech'],
      'merge-1080p': ['transcode-1080p', 'recognize-speech'],
      publish: ['thumbnail', 'merge-720p', 'merge-1080p'],
    };
    for (const [id, needs] of Object.entries(lastNeeds)) {
      const ends = needs.map((need) => timeOf(nodeOf(job, need).endedAt));
      expect({ id, at: timeOf(nodeOf(job, id).queuedAt) }).toEqual({ id, at: Math.max(...ends) });
    }
  });

  test('never has more cores promised than the host has', () => {
    const moments = job.nodes.map((node) => timeOf(node.startedAt));
    const budgets = moments.map((moment) =>
      job.nodes
        .filter((node) => timeOf(node.startedAt) <= moment && moment < timeOf(node.endedAt))
        .reduce((sum, node) => sum + (node.cores ?? 0), 0),
    );
    // A control group may allow less; then the service plans with less.
    expect(Math.max(...budgets)).toBeLessThanOrEqual(availableParallelism());
  });

  test('has renditions of the right size, with sound and captions', async () => {
    const streams = ['video', 'audio', 'subtitle'];
    expect(await probe(await save(job, '720p.mp4'))).toEqual({ streams, width: 1280, height: 720 });
    expect(await probe(await save(job, '1080p.mp4'))).toEqual({
      streams,
      width: 1920,
      height: 1080,
    });
  });

  test('has captions with the words that are spoken, when they are spoken', async () => {
    const cues = parseCues((await service.download(job, 'captions.vtt')).toString());
    const words = cues
      .map((cue) => cue.text)
      .join(' ')
      .split(/\s+/);
    expect(words.join(' ')).toBe('hello world camera ready scene seven start stop');
    const toleranceMs = 150;
    const outside = cues.filter(
      (cue) =>
        !utterances.some(
          ({ t0, t1 }) => cue.startMs >= t0 - toleranceMs && cue.endMs <= t1 + toleranceMs,
        ),
    );
    expect(outside).toEqual([]);
  });

  test('has products whose bytes are those that the job lists', async () => {
    for (const artifact of job.artifacts) {
      expect((await service.download(job, artifact.name)).length).toBe(artifact.bytes);
    }
  });
});

describe('other clips', () => {
  test('of 640×360 are not made larger', async () => {
    const job = await service.run(await makeSmallClip(directory.path));
    expect(job.error).toBeUndefined();
    expect(statesOf(job)).toMatchObject({
      'transcode-720p': 'succeeded',
      'transcode-1080p': 'skipped',
      'merge-720p': 'succeeded',
      'merge-1080p': 'skipped',
      publish: 'succeeded',
    });
    const facts = await probe(await save(job, '720p.mp4'));
    expect(facts).toMatchObject({ width: 640, height: 360 });
  });

  test('from an upright phone come out upright', async () => {
    const job = await service.run(await makePortraitClip(directory.path));
    expect(job.error).toBeUndefined();
    const path = await save(job, '720p.mp4');
    expect(await probe(path)).toMatchObject({ width: 360, height: 640 });
    // Turned clockwise, the red left half lies on top.
    const [topRed = 0, , topBlue = 0] = await pixelAt(path, { x: 180, y: 40 });
    const [bottomRed = 0, , bottomBlue = 0] = await pixelAt(path, { x: 180, y: 600 });
    expect(topRed).toBeGreaterThan(topBlue + 100);
    expect(bottomBlue).toBeGreaterThan(bottomRed + 100);
  });

  test('without sound succeed without what is made of sound', async () => {
    const job = await service.run(await makeSilentClip(directory.path));
    expect(job.state).toBe('succeeded');
    expect(statesOf(job)).toMatchObject({
      'extract-audio': 'skipped',
      'recognize-speech': 'skipped',
      'merge-720p': 'succeeded',
      publish: 'succeeded',
    });
    expect((await probe(await save(job, '720p.mp4'))).streams).toEqual(['video']);
  });

  test('without a picture give sound and captions', async () => {
    const job = await service.run(await makeRecording(directory.path));
    expect(job.state).toBe('succeeded');
    const names = job.artifacts.map((artifact) => artifact.name);
    expect(names).toEqual(expect.arrayContaining(['audio.m4a', 'captions.vtt', 'manifest.json']));
    expect(names).not.toContain('720p.mp4');
  });
});

/** A 4xx answer, or a job that failed: either way a code to switch on and a sentence to show. */
async function refusalOf(path: string): Promise<{ status: number; code: string; text: string }> {
  const response = await service.post(path);
  const body: unknown = await response.json();
  if (response.status !== 201) {
    const problem = z.object({ code: z.string(), detail: z.string() }).parse(body);
    return { status: response.status, code: problem.code, text: problem.detail };
  }
  const { id } = z.object({ id: z.string() }).parse(body);
  const { state, error } = await service.finish(id);
  expect(state).toBe('failed');
  return { status: 201, code: error?.code ?? '', text: error?.message ?? '' };
}

async function write(name: string, content: string | Buffer): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, content);
  return path;
}

describe('a bad upload', () => {
  test('that is empty is refused at once', async () => {
    const refusal = await refusalOf(await write('empty.mp4', ''));
    expect(refusal).toMatchObject({ status: 400, code: 'empty' });
  });

  test('that is text is refused at once, also when it names other files', async () => {
    const playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n';
    const refusal = await refusalOf(await write('playlist.mp4', playlist));
    expect(refusal).toMatchObject({ status: 415, code: 'unsupported_format' });
  });

  test('that is no film ends as a failed job', async () => {
    const noise = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251));
    const refusal = await refusalOf(await write('noise.mp4', noise));
    expect(refusal.code).toMatch(/^(unsupported_format|corrupt)$/);
  });

  test('that is cut off ends as a failed job', async () => {
    const whole = readFileSync(samplePath);
    const refusal = await refusalOf(await write('cut.mp4', whole.subarray(0, whole.length / 2)));
    expect(refusal.code).toMatch(/^(truncated|corrupt)$/);
  });

  test('is answered in sentences without paths or commands', async () => {
    const path = await write('zeros.mp4', Buffer.alloc(50_000));
    const { text } = await refusalOf(path);
    expect(text).toMatch(/^[A-Z].*\.$/s);
    expect(text).not.toMatch(/\/|ffmpeg|ffprobe|stderr/i);
  });

  test('leaves the service alive', async () => {
    const health = await fetch(`${service.url}/healthz`);
    expect(health.status).toBe(200);
    const job = await service.run(await makeSilentClip(directory.path));
    expect(job.state).toBe('succeeded');
  });
});

describe('a service without its speech model', () => {
  test('finishes the job with a warning that names the command to run', async () => {
    await using other = await ServiceProcess.start(['--whisper-model', 'base.en']);
    const job = await other.run(await makeSmallClip(directory.path));
    expect(job.state).toBe('succeeded');
    expect(statesOf(job)).toMatchObject({ 'recognize-speech': 'failed', publish: 'succeeded' });
    const warning = job.warnings.find(({ node }) => node === 'recognize-speech');
    expect(warning?.message).toContain('reelgraph model fetch base.en');
    expect(await other.stop()).toBe(0);
  });
});

describe('a service that is told to stop', () => {
  test('ends what it does and exits with 0, also amid a job', async () => {
    await using other = await ServiceProcess.start();
    await other.submit(samplePath);
    expect(await other.stop()).toBe(0);
  });
});
