import { describe, expect, it } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import { failure } from '../../../src/base/failure.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { err } from '../../../src/base/result.ts';
import { createJob } from '../../../src/scheduler/create-job.ts';
import { Workspace } from '../../../src/storage/workspace.ts';
import { resolveInputs, runAttempt } from '../../../src/worker/attempt.ts';
import { inputOf, nodeOf } from '../../fakes/plans.ts';
import { Puppets } from '../../fakes/puppets.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { ManualClock } from '../api/manual-clock.ts';

const upload = { name: 'film', bytes: 1, sha256: '0'.repeat(64), path: 'incoming/job/in' };

/** An attempt in a directory, about to run as its kind says. */
function prepare(path: string) {
  const puppets = new Puppets();
  const clock = new ManualClock();
  const node = nodeOf('a', { timeoutMs: 1000 });
  const plan = { pipeline: 'test', nodes: [node] };
  const abort = new AbortController();
  const workspace = new Workspace(path);
  const key = { jobId: 'job', nodeId: 'a', attempt: 1 };
  const order = {
    key,
    job: { state: createJob({ id: 'job', plan, priority: 0, atMs: 0 }), upload },
    node,
    kind: required(puppets.kinds.get('test'), 'the kind'),
    directory: workspace.createAttempt(key),
    cores: 2,
    signal: abort.signal,
    onProgress: () => {},
  };
  const services = { workspace, clock, logger: silentLogger };
  return { puppets, clock, abort, run: () => runAttempt(order, services) };
}

/** What the file system throws. */
function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('an attempt', () => {
  it('that was stopped before it began runs nothing', async () => {
    await using directory = await createTempDirectory();
    const { puppets, abort, run } = prepare(directory.path);
    abort.abort();
    expect(await run()).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(puppets.runs).toEqual([]);
  });

  it('gives up its timer, however it ends', async () => {
    await using directory = await createTempDirectory();
    const { puppets, clock, run } = prepare(directory.path);
    const running = run();
    (await puppets.begun('job', 'a')).fail('corrupt');
    expect(await running).toMatchObject({ error: { code: 'corrupt' } });
    expect(clock.pending).toBe(0);
  });

  it('that is stopped after its time ran out is a stopped one', async () => {
    await using directory = await createTempDirectory();
    const { puppets, clock, abort, run } = prepare(directory.path);
    const running = run();
    const { attempt, end } = await puppets.begun('job', 'a').then((puppet) => ({
      attempt: puppet.attempt,
      end: () => puppet.end(err(failure('tool', 'It was killed.'))),
    }));
    clock.advance(1000);
    expect(attempt.signal.aborted).toBe(true);
    abort.abort();
    end();
    expect(await running).toMatchObject({ error: { code: 'tool' } });
  });

  for (const [code, expected] of [
    ['ENOSPC', 'storage'],
    ['EIO', 'storage'],
    ['EMFILE', 'resource'],
    ['ENOENT', 'internal'],
  ] as const) {
    it(`whose kind throws ${code} failed as ${expected}`, async () => {
      await using directory = await createTempDirectory();
      const { puppets, run } = prepare(directory.path);
      const running = run();
      (await puppets.begun('job', 'a')).throw(systemError(code));
      expect(await running).toMatchObject({ ok: false, error: { code: expected } });
    });
  }

  it('whose directory can not be made failed, and nothing is thrown', async () => {
    const { run } = prepare('/dev/null/nowhere');
    expect(await run()).toMatchObject({ ok: false, error: { code: 'internal' } });
  });
});

describe('the inputs of an attempt', () => {
  it('are the artifacts of the planned role, from the planned nodes, by absolute path', () => {
    const artifact = (name: string, role: 'captions' | 'transcript') => ({
      name,
      role,
      mediaType: 'text/plain',
      bytes: 1,
      sha256: '0'.repeat(64),
      product: true,
      path: `jobs/job/x/1/${name}`,
    });
    const node = nodeOf('c', {
      needs: ['a', 'b'],
      inputs: [inputOf('every', 'captions', 'a', 'b'), inputOf('optional', 'image')],
    });
    const plan = { pipeline: 'test', nodes: [nodeOf('a'), nodeOf('b'), node] };
    const job = createJob({ id: 'job', plan, priority: 0, atMs: 0 });
    const artifactsOf: Readonly<Record<string, ReturnType<typeof artifact>[]>> = {
      a: [artifact('1.vtt', 'captions'), artifact('t.json', 'transcript')],
      b: [artifact('2.vtt', 'captions')],
    };
    const nodes = job.nodes.map((record) => ({
      ...record,
      artifacts: artifactsOf[record.id] ?? [],
    }));
    const inputs = resolveInputs({ ...job, nodes }, node, new Workspace('/data'));
    expect(inputs.every('captions').map(({ path }) => path)).toEqual([
      '/data/jobs/job/x/1/1.vtt',
      '/data/jobs/job/x/1/2.vtt',
    ]);
    expect(inputs.one('captions')?.name).toBe('1.vtt');
    expect(inputs.one('image')).toBeUndefined();
    expect(inputs.every('transcript')).toEqual([]);
  });
});
