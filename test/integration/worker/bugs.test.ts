import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ok } from '../../../src/base/result.ts';
import type { NodeKind, NodeOutcome } from '../../../src/nodes/node-kind.ts';
import type { Store } from '../../../src/store/store.ts';
import { overriding } from '../../fakes/overriding.ts';
import { planOf } from '../../fakes/plans.ts';
import { probeOf } from '../../fakes/probes.ts';
import type { PuppetRun } from '../../fakes/puppets.ts';
import { JobRig } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const audio = { files: [{ name: 'sound', role: 'audio' }] };

/** An outcome that the types forbid. */
function nonsense(value: unknown): NodeOutcome {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a kind with a bug might give
  return value as NodeOutcome;
}

const bugs: Readonly<Record<string, (run: PuppetRun) => Promise<void> | void>> = {
  'throws an error': (run) => run.throw(new TypeError('x is undefined')),
  'throws something else': (run) => run.throw('no error'),
  'gives no outcome': (run) => run.end(ok(nonsense(undefined))),
  'gives an output that it never made': (run) => run.end(ok({ files: [{ name: 'sound' }] })),
  'gives a directory as its output': async (run) => {
    await mkdir(join(run.attempt.outputDirectory, 'sound'));
    run.end(ok({ files: [{ name: 'sound' }] }));
  },
  'gives a file that is none of its outputs': async (run) => {
    await writeFile(join(run.attempt.outputDirectory, 'other'), 'x');
    run.end(ok({ files: [{ name: 'other' }] }));
  },
  'gives what can not be stored': (run) =>
    run.succeed(nonsense({ warnings: [{ code: 'big', message: 10n }] })),
};

/** A store in which the next start of an attempt fails by a bug: rolled back, or after its commit. */
function buggyAtStart(store: Store, isStored: boolean): Store {
  let hasFailed = false;
  return overriding(store, {
    async transaction(body, durability) {
      // Only starts need not be on disk.
      const isBug = durability === 'process' && !hasFailed;
      if (!isBug) return store.transaction(body, durability);
      hasFailed = true;
      if (isStored) await store.transaction(body, durability);
      throw new TypeError('x is undefined');
    },
  });
}

describe('a start that fails by a bug', () => {
  it.each([
    ['before it is stored', false],
    ['after it is stored', true],
  ])('%s fails its node as internal, and leaves no file and no lease', async (_when, isStored) => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      wrapStore: (store) => buggyAtStart(store, isStored),
    });
    const jobId = await rig.submit(planOf('a'));
    expect((await rig.ended(jobId)).failure).toMatchObject({ code: 'internal', nodeId: 'a' });
    await rig.worker.stop();
    expect(rig.puppets.begins).toEqual([]);
    expect(await rig.scratch()).toEqual([]);
    const lease = { jobId, nodeId: 'a', attempt: 1 };
    expect(await rig.dispatch.renew([lease])).toEqual([lease]);
  });

  it('leaves the other jobs to go on', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({
      directory: directory.path,
      wrapStore: (store) => buggyAtStart(store, false),
    });
    expect((await rig.ended(await rig.submit(planOf('a')))).phase).toBe('failed');
    const next = await rig.submit(planOf('a'));
    await rig.succeed(next, 'a');
    expect((await rig.ended(next)).phase).toBe('succeeded');
  });
});

describe('a kind that', () => {
  for (const [name, act] of Object.entries(bugs)) {
    it(`${name} fails its node as internal, and the service goes on`, async () => {
      await using directory = await createTempDirectory();
      await using rig = await JobRig.open({ directory: directory.path });
      const job = await rig.submit(planOf('a', { a: { params: audio } }));
      await act(await rig.puppets.begun(job, 'a'));
      const { phase, failure } = await rig.ended(job);
      expect(phase).toBe('failed');
      expect(failure).toMatchObject({
        code: 'internal',
        nodeId: 'a',
        message: '"a" failed unexpectedly.',
      });
      const next = await rig.submit(planOf('a'));
      await rig.succeed(next, 'a');
      expect((await rig.ended(next)).phase).toBe('succeeded');
      await rig.worker.stop();
      expect(await rig.outputs(job)).toEqual([]);
    });
  }

  it('throws before it has a promise fails its node as internal', async () => {
    await using directory = await createTempDirectory();
    const broken = (kind: NodeKind): NodeKind => ({
      ...kind,
      run() {
        throw new Error('not even begun');
      },
    });
    await using rig = await JobRig.open({
      directory: directory.path,
      wrapKinds: (kinds) => new Map([...kinds].map(([name, kind]) => [name, broken(kind)])),
    });
    const job = await rig.submit(planOf('a'));
    expect((await rig.ended(job)).failure).toMatchObject({ code: 'internal' });
  });

  it('can not estimate what was uploaded fails the node that probed it', async () => {
    await using directory = await createTempDirectory();
    const picky = (kind: NodeKind): NodeKind => ({
      ...kind,
      estimate(params, media) {
        if (media !== undefined) throw new Error('such a film!');
        return kind.estimate(params, media);
      },
    });
    await using rig = await JobRig.open({
      directory: directory.path,
      wrapKinds: (kinds) => new Map([...kinds].map(([name, kind]) => [name, picky(kind)])),
    });
    const job = await rig.submit(planOf('a; b:a', { a: { params: audio } }));
    const run = await rig.puppets.begun(job, 'a');
    await run.succeed({ media: probeOf() });
    expect((await rig.ended(job)).failure).toMatchObject({ code: 'internal', nodeId: 'a' });
    await rig.worker.stop();
    expect(await rig.outputs(job)).toEqual([]);
  });

  it('calls itself lost is retried like any other that failed', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const retry = { attemptsMax: 2, backoffMs: 1000 };
    const job = await rig.submit(planOf('a', { a: { retry } }));
    (await rig.puppets.begun(job, 'a')).fail('lost');
    await rig.delayed(job, 'a');
    rig.clock.advance(2000);
    (await rig.puppets.begun(job, 'a', 2)).fail('lost');
    expect((await rig.ended(job)).failure).toMatchObject({ code: 'lost', nodeId: 'a' });
    expect(rig.puppets.begins).toEqual(['a 1', 'a 2']);
  });

  it('is not known any more fails its node', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a', { a: { kind: 'hologram' } }));
    expect((await rig.ended(job)).failure).toMatchObject({
      code: 'internal',
      message: 'This version of the service does not know the kind "hologram".',
    });
  });

  it('reports nonsense as its progress is taken within 0 and 1', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    const run = await rig.puppets.begun(job, 'a');
    const reported = [0.5, Number.NaN, -1, 7].map((fraction) => {
      run.attempt.onProgress(fraction);
      return rig.feed.progressOf(job).get('a');
    });
    expect(reported).toEqual([0.5, 0.5, 0, 1]);
  });
});
