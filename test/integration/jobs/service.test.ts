import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { assert, required } from '../../../src/base/assert.ts';
import { newJobId } from '../../../src/base/ids.ts';
import type { JobUpdate } from '../../../src/jobs/job-service.ts';
import { LocalStorage } from '../../../src/storage/local-storage.ts';
import { hostOf } from '../../fakes/makespan.ts';
import { planOf } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const { signal: never } = new AbortController();
const audio = { files: [{ name: 'sound', role: 'audio' }] };
const twoFiles = {
  files: [
    { name: 'sound', role: 'audio' },
    { name: 'raw', role: 'source', product: false },
  ],
};

/** An update as a short text: its number and what it says. */
function brief(update: JobUpdate): string {
  if (update.type === 'progress') return `${update.nodeId} at ${update.fraction}`;
  const { sequence, notice } = update;
  if (notice.type === 'node') return `${sequence}: ${notice.nodeId} ${notice.phase}`;
  return `${sequence}: ${notice.type} ${notice.type === 'job' ? notice.phase : ''}`;
}

/** The next updates of a follower, as texts. */
async function take(updates: AsyncIterator<JobUpdate>, count: number): Promise<readonly string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const next = await updates.next();
    assert(next.done !== true, `the follower ended after ${taken.join(', ')}`);
    taken.push(brief(next.value));
  }
  return taken;
}

function follow(rig: JobRig, jobId: string, after = 0): AsyncIterator<JobUpdate> {
  return rig.service.follow(jobId, after, never)[Symbol.asyncIterator]();
}

describe('submitting', () => {
  it('answers with the job, which is stored and has begun', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const jobId = newJobId();
    const upload = await rig.upload(jobId);
    const request = {
      jobId,
      upload,
      pipeline: 'standard',
      params: { language: 'en' },
      priority: 7,
    };
    const submitted = await rig.service.submit(request);
    assert(submitted.ok, 'the job is accepted');
    const { state } = submitted.value;
    expect(state).toMatchObject({ id: jobId, phase: 'queued', priority: 7 });
    expect(state.nodes.map(({ phase }) => phase)).toEqual(['ready', ...Array(8).fill('waiting')]);
    const speech = state.plan.nodes.find(({ id }) => id === 'recognize-speech');
    expect(speech?.params).toEqual({ language: 'en' });
    expect(submitted.value.upload).toEqual(upload);
    await rig.puppets.begun(jobId, 'validate');
  });

  it('refuses an unknown pipeline and says which ones there are', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const refused = await submitTo(rig, 'standart', {});
    expect(refused).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect(refused).toMatchObject({ error: { message: expect.stringContaining('"standard"') } });
  });

  it('refuses parameters that the pipeline does not take, and stores nothing', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    for (const params of [{ langauge: 'en' }, { language: 5 }, { language: 'english' }]) {
      const refused = await submitTo(rig, 'standard', params);
      expect(refused).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
    }
    expect(await rig.service.list({ limit: 10 })).toEqual({ ok: true, value: { jobs: [] } });
    expect(rig.puppets.begins).toEqual([]);
  });
});

describe('a service with all the jobs that it takes', () => {
  it('refuses the next one until one has ended', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, unfinishedMax: 2 });
    const ending = await rig.submit(planOf('a'));
    const full = { ok: false, error: { code: 'unavailable' } };
    const answers = await Promise.all([
      submitTo(rig, 'standard', {}),
      submitTo(rig, 'standard', {}),
    ]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.filter(({ ok }) => !ok)).toMatchObject([full]);
    await rig.succeed(ending, 'a');
    await rig.ended(ending);
    expect(await submitTo(rig, 'standard', {})).toMatchObject({ ok: true });
    expect(rig.engine.checkRoom()).toMatchObject(full);
  });

  it('counts those of an earlier life', async () => {
    await using directory = await createTempDirectory();
    const before = await JobRig.open({ directory: directory.path });
    await before.submit(planOf('a'));
    await before.close();
    await using rig = await JobRig.open({ directory: directory.path, unfinishedMax: 1 });
    expect(await submitTo(rig, 'standard', {})).toMatchObject({
      ok: false,
      error: {
        code: 'unavailable',
        message: 'There are 1 unfinished jobs already, the most here. Try again later.',
      },
    });
  });

  it('has room again for a job that could not be stored', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, unfinishedMax: 2 });
    const job = await rig.submit(planOf('a'));
    const { state, upload } = required(await rig.store.readJob(job), job);
    await expect(rig.engine.submit({ state, upload })).rejects.toThrow(/UNIQUE/);
    expect(rig.engine.checkRoom().ok).toBe(true);
  });
});

describe('following', () => {
  it('tells all from the beginning to the end, in order', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b:a'));
    const updates = follow(rig, job);
    expect(await take(updates, 4)).toEqual([
      '1: job queued',
      '2: a ready',
      '3: job running',
      '4: a running',
    ]);
    const run = await rig.puppets.begun(job, 'a');
    run.attempt.onProgress(0.25);
    expect(await take(updates, 1)).toEqual(['a at 0.25']);
    await run.succeed();
    expect(await take(updates, 3)).toEqual(['5: a succeeded', '6: b ready', '7: b running']);
    await rig.succeed(job, 'b');
    expect(await take(updates, 2)).toEqual(['8: b succeeded', '9: job succeeded']);
    expect(await updates.next()).toEqual({ done: true, value: undefined });
  });

  it('goes on behind the last notice that a follower knows', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    await rig.succeed(job, 'a');
    await rig.ended(job);
    expect(await take(follow(rig, job, 4), 2)).toEqual(['5: a succeeded', '6: job succeeded']);
    for (const after of [6, 1000]) {
      expect(await follow(rig, job, after).next()).toEqual({ done: true, value: undefined });
    }
  });

  it('loses nothing of what happens while a follower takes its time', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, capacity: hostOf(60) });
    const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
    const job = await rig.submit(planOf(names.join('; ')));
    const updates = follow(rig, job);
    const first = await take(updates, 1);
    for (const name of names) await rig.succeed(job, name);
    const rest: string[] = [];
    for (let next = await updates.next(); next.done !== true; next = await updates.next()) {
      rest.push(brief(next.value));
    }
    const sequences = [...first, ...rest].map((line) => Number.parseInt(line, 10));
    // Ready, running and succeeded of each node; queued, running and succeeded of the job.
    expect(sequences).toEqual(Array.from({ length: 3 * 60 + 3 }, (_, index) => index + 1));
  });

  it('tells no progress of a node after its end', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b:a'));
    const updates = follow(rig, job);
    await take(updates, 4);
    const run = await rig.puppets.begun(job, 'a');
    run.attempt.onProgress(0.9);
    await run.succeed();
    await rig.puppets.begun(job, 'b');
    run.attempt.onProgress(1);
    expect(await take(updates, 3)).toEqual(['5: a succeeded', '6: b ready', '7: b running']);
  });

  it('ends when the follower goes away, or when there is no such job', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    await rig.puppets.begun(job, 'a');
    const leaving = new AbortController();
    const updates = rig.service.follow(job, 4, leaving.signal)[Symbol.asyncIterator]();
    const next = updates.next();
    leaving.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await follow(rig, newJobId()).next()).toEqual({ done: true, value: undefined });
  });
});

describe('a snapshot', () => {
  it('has the progress of what runs', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b'));
    (await rig.puppets.begun(job, 'a')).attempt.onProgress(0.5);
    const snapshot = await rig.service.get(job);
    assert(snapshot.ok, 'there is a job');
    expect([...snapshot.value.progress]).toEqual([['a', 0.5]]);
    await rig.succeed(job, 'a');
    expect(rig.feed.progressOf(job).size).toBe(0);
  });

  it('of an unknown job is not found', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const unknown = { ok: false, error: { code: 'not_found' } };
    expect(await rig.service.get(newJobId())).toMatchObject(unknown);
    expect(await rig.service.cancel(newJobId())).toMatchObject(unknown);
    expect(await rig.service.openArtifact(newJobId(), 'sound')).toMatchObject(unknown);
  });
});

describe('the list of jobs', () => {
  it('comes in pages, newest first, and by phase', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const jobs: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      jobs.unshift(await rig.submit(planOf('a')));
      rig.clock.advance(1);
    }
    await rig.succeed(jobs[3] ?? '', 'a');
    await rig.running(jobs[0] ?? '');
    const pages: (readonly string[])[] = [];
    let after: string | undefined;
    do {
      const page = await rig.service.list({ limit: 2, ...(after !== undefined && { after }) });
      assert(page.ok, 'there is a page');
      pages.push(page.value.jobs.map(({ state }) => state.id));
      after = page.value.next;
    } while (after !== undefined);
    expect(pages).toEqual([jobs.slice(0, 2), jobs.slice(2, 4), jobs.slice(4)]);
    const done = await rig.service.list({ limit: 100, phase: 'succeeded' });
    assert(done.ok, 'there is a page');
    expect(done.value.jobs.map(({ state }) => state.id)).toEqual([jobs[3]]);
  });

  it('refuses a place that no page named', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    expect(await rig.service.list({ limit: 2, after: 'nowhere' })).toMatchObject({
      ok: false,
      error: { code: 'invalid_request' },
    });
  });
});

describe('cancelling', () => {
  it('is a conflict once the job has ended', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    await rig.succeed(job, 'a');
    await rig.ended(job);
    expect(await rig.service.cancel(job)).toMatchObject({
      ok: false,
      error: { code: 'conflict', message: 'The job has already ended (succeeded).' },
    });
  });

  it('is a conflict also when the job ends in the same moment', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    await rig.puppets.begun(job, 'a');
    const facts = { atMs: 0, nodeId: 'a', attempt: 1, artifacts: [], warnings: [] };
    // Both are under way; the success comes first into the store.
    const succeeding = rig.engine.apply(job, [{ type: 'attempt-succeeded', ...facts }]);
    const cancelled = await rig.service.cancel(job);
    await succeeding;
    expect(cancelled).toMatchObject({ ok: false, error: { code: 'conflict' } });
    expect((await rig.job(job)).phase).toBe('succeeded');
  });
});

describe('a product', () => {
  it('is there once its node succeeded, whole and in parts', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a; b:a', { a: { params: twoFiles } }));
    const notYet = { ok: false, error: { code: 'not_found' } };
    await rig.puppets.begun(job, 'a');
    expect(await rig.service.openArtifact(job, 'sound')).toMatchObject(notYet);
    await rig.succeed(job, 'a');
    const content = 'sound of a, attempt 1';
    expect(await read(rig, job)).toEqual({ content, bytes: content.length });
    expect(await read(rig, job, { first: 6, last: 9 })).toEqual({
      content: 'of a',
      bytes: content.length,
    });
    expect(await rig.service.openArtifact(job, 'raw')).toMatchObject(notYet);
  });

  it('comes from the storage, once it was published', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a', { a: { params: audio } }));
    await rig.succeed(job, 'a');
    const artifact = (await rig.node(job, 'a')).artifacts[0];
    assert(artifact !== undefined, 'there is an artifact');
    const path = rig.workspace.absolute(artifact.path);
    const storage = new LocalStorage(join(directory.path, 'storage'));
    await storage.put({ ...artifact, path, key: `${job}/sound` }, never);
    await rm(path);
    expect(await read(rig, job)).toMatchObject({ content: 'sound of a, attempt 1' });
  });

  it('that is lost is a failure, not a broken answer', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a', { a: { params: audio } }));
    await rig.succeed(job, 'a');
    await rm(join(directory.path, 'jobs'), { recursive: true });
    expect(await rig.service.openArtifact(job, 'sound')).toMatchObject({
      ok: false,
      error: { code: 'storage' },
    });
  });
});

describe('a closed store', () => {
  it('makes every call unavailable', async () => {
    await using directory = await createTempDirectory();
    const rig = await JobRig.open({ directory: directory.path });
    await rig.close();
    const { service } = rig;
    const jobId = newJobId();
    const answers = await Promise.all([
      service.get(jobId),
      service.list({ limit: 1 }),
      service.cancel(jobId),
      service.openArtifact(jobId, 'sound'),
      submitTo(rig, 'standard', {}),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    }
  });
});

async function submitTo(
  rig: JobRig,
  pipeline: string,
  params: Parameters<JobRig['service']['submit']>[0]['params'],
) {
  const jobId = newJobId();
  const upload = await rig.upload(jobId);
  return rig.service.submit({ jobId, upload, pipeline, params, priority: 0 });
}

async function read(rig: JobRig, jobId: string, range?: { first: number; last: number }) {
  const opened = await rig.service.openArtifact(jobId, 'sound', range);
  assert(opened.ok, 'the product opens');
  const { object } = opened.value;
  return { content: await text(object.body), bytes: object.bytes };
}
