import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { required } from '../../../src/base/assert.ts';
import type { NodeKind } from '../../../src/nodes/node-kind.ts';
import { createJob } from '../../../src/scheduler/create-job.ts';
import type { JobState } from '../../../src/scheduler/job-state.ts';
import { newJobId } from '../../../src/base/ids.ts';
import { estimateOf, planOf } from '../../fakes/plans.ts';
import type { NodeDetails } from '../../fakes/plans.ts';
import { JobRig } from '../../support/job-rig.ts';
import type { JobRigParts } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const cacheBytesMax = 1e9;

/** All kinds but `publish` may use earlier results, of these versions of the kinds and their tools. */
function reusable(versions: { readonly kind?: number; readonly tools?: string } = {}) {
  const { kind: version = 1, tools = 'tools 1' } = versions;
  return (kinds: ReadonlyMap<string, NodeKind>): ReadonlyMap<string, NodeKind> =>
    new Map(
      [...kinds].map(([name, kind]) => [
        name,
        name === 'publish' ? kind : { ...kind, version, resultVersion: () => tools },
      ]),
    );
}

function openRig(directory: string, changes: Partial<JobRigParts> = {}): Promise<JobRig> {
  return JobRig.open({ directory, cacheBytesMax, wrapKinds: reusable(), ...changes });
}

/** Lets every run succeed from now on, and collects which nodes ran. */
function playAll(rig: JobRig): string[] {
  const ran: string[] = [];
  rig.puppets.onBegin = (run) => {
    ran.push(run.attempt.nodeId);
    void run.succeed();
  };
  return ran;
}

/** Runs a job of the standard pipeline to its end, and everything that follows. */
async function runStandard(rig: JobRig): Promise<JobState> {
  const job = await rig.ended(await rig.submitStandard());
  await rig.results?.settled();
  return job;
}

/** A node that makes a file, whose name makes it another one for each test. */
function making(name: string, coreSeconds = 5): NodeDetails {
  return {
    params: { files: [{ name, role: 'audio' }] },
    estimate: estimateOf(coreSeconds),
  };
}

/** Submits a job of a plan that uses nothing of others and gives nothing to them. */
async function submitAlone(
  rig: JobRig,
  text: string,
  details: Readonly<Record<string, NodeDetails>>,
) {
  const id = newJobId();
  const upload = await rig.upload(id);
  const plan = planOf(text, details);
  const state = createJob({ id, plan, usesCache: false, priority: 0, atMs: 0 });
  await rig.engine.submit({ state, upload });
  return id;
}

function reusedNodes(job: JobState): readonly string[] {
  return job.nodes.filter(({ isReused }) => isReused).map(({ id }) => id);
}

/** Where the cache keeps the only result that has files. */
async function keptFile(rig: JobRig, name: string): Promise<string> {
  const [use] = await rig.store.transaction((tx) => tx.results.oldest(1));
  return join(rig.directory, 'cache', required(use, 'a result').key, name);
}

describe('a second upload of the same film', () => {
  it('runs only what has effects outside, and makes the same products', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    const first = await runStandard(rig);
    expect(ran).toHaveLength(9);
    const second = await runStandard(rig);
    expect(ran.slice(9)).toEqual(['publish']);
    expect(reusedNodes(first)).toEqual([]);
    expect(reusedNodes(second)).toHaveLength(8);
    expect(second.media).toEqual(first.media);
    const facts = ({ nodes }: JobState) =>
      nodes.flatMap(({ id, artifacts }) =>
        id === 'publish' ? [] : artifacts.map(({ name, sha256, bytes }) => [name, sha256, bytes]),
      );
    expect(facts(second)).toEqual(facts(first));
    for (const { artifacts } of second.nodes) {
      for (const { path, bytes } of artifacts) {
        expect(path).toContain(second.id);
        expect(await readFile(rig.workspace.absolute(path))).toHaveLength(bytes);
      }
    }
    expect(rig.errors).toEqual([]);
  });

  it('is no reason not to run a node that a retry names', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    const { id } = await runStandard(rig);
    ran.length = 0;
    expect(await rig.service.retry(id, ['thumbnail'])).toMatchObject({ ok: true });
    const after = await rig.ended(id);
    expect(ran).toEqual(['thumbnail', 'publish']);
    expect(reusedNodes(after)).toEqual([]);
  });

  it('holds no core while it takes what is there', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    playAll(rig);
    await runStandard(rig);
    const job = await runStandard(rig);
    expect(job.nodes.map(({ cores }) => cores)).toEqual(job.nodes.map(() => 0));
  });

  it('tells who watches that its nodes did not run', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    playAll(rig);
    await runStandard(rig);
    const { id } = await runStandard(rig);
    const notices = await rig.store.readNotices({ jobId: id, afterSequence: 0, limit: 100 });
    const reused = notices.flatMap(({ notice }) =>
      notice.type === 'node' && notice.isReused ? [notice.phase] : [],
    );
    expect(reused).toEqual(Array.from({ length: 8 }, () => 'succeeded'));
  });

  it('warns of what its nodes warned of', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const warnings = [{ code: 'no_speech', message: 'Nobody speaks.' }];
    rig.puppets.onBegin = (run) => {
      void run.succeed(run.attempt.nodeId === 'recognize-speech' ? { warnings } : {});
    };
    const first = await runStandard(rig);
    const second = await runStandard(rig);
    expect(second.warnings).toEqual(first.warnings);
    expect(second.warnings).toEqual([{ ...warnings[0], nodeId: 'recognize-speech' }]);
  });

  it.each([{ tools: 'tools 2' }, { kind: 2 }])('runs everything with %j', async (versions) => {
    await using directory = await createTempDirectory();
    {
      await using rig = await openRig(directory.path);
      playAll(rig);
      await runStandard(rig);
    }
    await using rig = await openRig(directory.path, { wrapKinds: reusable(versions) });
    const ran = playAll(rig);
    await runStandard(rig);
    expect(ran).toHaveLength(9);
  });

  it('runs everything when it wants no earlier results, and leaves none', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    const details = { a: making('alone') };
    await rig.ended(await submitAlone(rig, 'a', details));
    await rig.results?.settled();
    await rig.ended(await rig.submit(planOf('a', details)));
    await rig.results?.settled();
    await rig.ended(await submitAlone(rig, 'a', details));
    expect(ran).toEqual(['a', 'a', 'a']);
  });

  it('runs everything where no room is given to results', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path, { cacheBytesMax: 0 });
    const ran = playAll(rig);
    await runStandard(rig);
    await runStandard(rig);
    expect(ran).toHaveLength(18);
  });

  it('finds the results of the service before its restart', async () => {
    await using directory = await createTempDirectory();
    {
      await using rig = await openRig(directory.path);
      playAll(rig);
      await runStandard(rig);
    }
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    await runStandard(rig);
    expect(ran).toEqual(['publish']);
  });
});

describe('an earlier result', () => {
  it('serves a node of another pipeline, and only what is new there runs', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    await rig.ended(await rig.submit(planOf('a', { a: making('one') })));
    await rig.results?.settled();
    const details = { x: making('one'), y: making('two') };
    const job = await rig.ended(await rig.submit(planOf('x; y:x', details)));
    expect(ran).toEqual(['a', 'y']);
    expect(reusedNodes(job)).toEqual(['x']);
  });

  it('is none of a node with other parameters', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    await rig.ended(await rig.submit(planOf('a', { a: making('one') })));
    await rig.results?.settled();
    await rig.ended(await rig.submit(planOf('a', { a: making('other') })));
    expect(ran).toEqual(['a', 'a']);
  });

  it('is none of an attempt that failed', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const plan = planOf('a', { a: { ...making('one'), retry: { attemptsMax: 1, backoffMs: 0 } } });
    rig.puppets.onBegin = (run) => run.fail('corrupt');
    expect((await rig.ended(await rig.submit(plan))).phase).toBe('failed');
    const ran = playAll(rig);
    expect((await rig.ended(await rig.submit(plan))).phase).toBe('succeeded');
    expect(ran).toEqual(['a']);
  });

  it('is used by a node that waited for cores while another job made it', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path, {
      capacity: { cores: 1, ioSlots: 1, gpus: 0, memoryBytes: 2 ** 33 },
    });
    const plan = planOf('a', { a: making('one') });
    const first = await rig.submit(plan);
    const second = await rig.submit(plan);
    const other = await rig.submit(planOf('z', { z: making('other') }), 100);
    await (await rig.puppets.begun(first, 'a')).succeed();
    await rig.ended(first);
    await rig.results?.settled();
    await (await rig.puppets.begun(other, 'z')).succeed();
    const job = await rig.ended(second);
    expect(rig.puppets.begins).toEqual(['a 1', 'z 1']);
    expect(reusedNodes(job)).toEqual(['a']);
  });

  it.each([
    ['is gone', (path: string) => rm(path)],
    ['is cut off', (path: string) => truncate(path, 3)],
    [
      'has other bytes',
      async (path: string) => {
        const { length } = await readFile(path);
        await writeFile(path, 'x'.repeat(length));
      },
    ],
  ])('that %s is made again', async (_damage, damage) => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    const plan = planOf('a', { a: making('one') });
    await rig.ended(await rig.submit(plan));
    await rig.results?.settled();
    await damage(await keptFile(rig, 'one'));
    const job = await rig.ended(await rig.submit(plan));
    expect(ran).toEqual(['a', 'a']);
    const [node] = job.nodes;
    expect(node).toMatchObject({ phase: 'succeeded', attempt: 2, excusedCount: 1, cores: 1 });
    expect(node?.lostCount).toBeUndefined();
    await rig.results?.settled();
    expect(reusedNodes(await rig.ended(await rig.submit(plan)))).toEqual(['a']);
    expect(rig.errors).toEqual([]);
  });

  it('that cannot be had this time stays, and the node runs', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    const plan = planOf('a', { a: making('one') });
    await rig.ended(await rig.submit(plan));
    const results = required(rig.results, 'the results');
    await results.settled();
    const take = results.take.bind(results);
    // As it answers on a full disk.
    results.take = () => Promise.resolve(undefined);
    const job = await rig.ended(await rig.submit(plan));
    expect(ran).toEqual(['a', 'a']);
    expect(job.nodes[0]).toMatchObject({ phase: 'succeeded', attempt: 2, excusedCount: 1 });
    await results.settled();
    results.take = take;
    expect(reusedNodes(await rig.ended(await rig.submit(plan)))).toEqual(['a']);
    expect(rig.errors).toEqual([]);
  });

  it('whose files are no outputs of the kind any more is damaged, and made again', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    const ran = playAll(rig);
    const plan = planOf('a', { a: making('one') });
    await rig.ended(await rig.submit(plan));
    await rig.results?.settled();
    const path = await keptFile(rig, 'one');
    await rename(path, join(dirname(path), 'former'));
    const database = new DatabaseSync(join(directory.path, 'reelgraph.sqlite'));
    database.exec(`update results set result = replace(result, '"one"', '"former"')`);
    database.close();
    const job = await rig.ended(await rig.submit(plan));
    expect(job.phase).toBe('succeeded');
    expect(ran).toEqual(['a', 'a']);
    await rig.results?.settled();
    expect(reusedNodes(await rig.ended(await rig.submit(plan)))).toEqual(['a']);
    expect(rig.errors).toEqual([]);
  });

  it('that is removed leaves the job alone that uses it', async () => {
    await using directory = await createTempDirectory();
    await using rig = await openRig(directory.path);
    playAll(rig);
    const plan = planOf('a', { a: making('one') });
    await rig.ended(await rig.submit(plan));
    await rig.results?.settled();
    const job = await rig.ended(await rig.submit(plan));
    const [use] = await rig.store.transaction((tx) => tx.results.oldest(1));
    await rig.results?.drop(required(use, 'a result').key);
    const path = required(job.nodes[0]?.artifacts[0], 'the file').path;
    expect(await readFile(rig.workspace.absolute(path), 'utf8')).toBe('one of a, attempt 1');
  });
});
