import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import { newJobId } from '../../../src/base/ids.ts';
import type { JobUpdate } from '../../../src/jobs/job-service.ts';
import { publish } from '../../../src/nodes/publish.ts';
import type { JobState } from '../../../src/scheduler/job-state.ts';
import { LocalStorage } from '../../../src/storage/local-storage.ts';
import { planOf } from '../../fakes/plans.ts';
import type { PuppetRun } from '../../fakes/puppets.ts';
import { JobRig } from '../../support/job-rig.ts';
import type { JobRigParts } from '../../support/job-rig.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const { signal: never } = new AbortController();
const standard = join(import.meta.dirname, '..', '..', '..', 'pipelines', 'standard.yaml');

/** A rig whose nodes end by themselves: well, but for those that `failing` names. */
class SelfRunning implements AsyncDisposable {
  readonly rig: JobRig;
  readonly failing = new Set<string>();
  /** Nodes begun since the last {@link takeBegins}. */
  #begins: string[] = [];

  private constructor(rig: JobRig) {
    this.rig = rig;
    rig.puppets.onBegin = (run) => this.#end(run);
  }

  static async open(parts: JobRigParts): Promise<SelfRunning> {
    return new SelfRunning(await JobRig.open(parts));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.rig.close();
  }

  /** The nodes begun since the last call, in the order of their names. */
  takeBegins(): readonly string[] {
    return this.#begins.splice(0).toSorted();
  }

  /** Runs a new job of the pipeline `standard` to its end. */
  async run(): Promise<JobState> {
    return this.rig.ended(await this.rig.submitStandard());
  }

  /** Retries a job and waits for its end. */
  async retry(jobId: string, nodeIds?: readonly string[]): Promise<JobState> {
    const retried = await this.rig.service.retry(jobId, nodeIds);
    assert(retried.ok, 'the retry is accepted');
    return this.rig.ended(jobId);
  }

  #end(run: PuppetRun): void {
    const { nodeId } = run.attempt;
    this.#begins.push(nodeId);
    if (this.failing.has(nodeId)) run.fail('corrupt');
    else void run.succeed();
  }
}

/** The attempts of a job's nodes, where there was more than one. */
function attemptsOf({ nodes }: JobState): Readonly<Record<string, number>> {
  return Object.fromEntries(
    nodes.flatMap(({ id, attempt }) => (attempt > 1 ? [[id, attempt]] : [])),
  );
}

async function refusal(rig: JobRig, jobId: string, nodeIds?: readonly string[]) {
  const answer = await rig.service.retry(jobId, nodeIds);
  assert(!answer.ok, 'the retry is refused');
  return answer.error;
}

describe('a retry', () => {
  it('of a job that failed at its last node runs that node alone', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    self.failing.add('publish');
    const failed = await self.run();
    expect(failed).toMatchObject({ phase: 'failed', failure: { nodeId: 'publish' } });
    self.takeBegins();
    self.failing.clear();
    const job = await self.retry(failed.id);
    expect(job.phase).toBe('succeeded');
    expect(self.takeBegins()).toEqual(['publish']);
    expect(attemptsOf(job)).toEqual({ publish: 2 });
    expect(job.nodes.slice(0, -1)).toEqual(failed.nodes.slice(0, -1));
  });

  it('of a job whose merge died runs the merge and what is behind it', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    self.failing.add('merge-720p');
    const failed = await self.run();
    self.takeBegins();
    self.failing.clear();
    const job = await self.retry(failed.id);
    expect(job.phase).toBe('succeeded');
    // The other merge may have been stopped by the failure, or have ended before it.
    const again = new Set(['merge-720p', 'publish', 'merge-1080p', 'recognize-speech']);
    for (const node of self.takeBegins()) expect(again).toContain(node);
    expect(attemptsOf(job)).toMatchObject({ 'merge-720p': 2 });
    for (const id of ['validate', 'transcode-720p', 'extract-audio']) {
      expect(attemptsOf(job)).not.toHaveProperty(id);
    }
  });

  it('of a cancelled job goes on where it was', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const jobId = await rig.submitStandard();
    const validate = await rig.puppets.begun(jobId, 'validate');
    rig.puppets.onBegin = (run) => run.endWhenStopped();
    await validate.succeed();
    await rig.puppets.begun(jobId, 'transcode-720p');
    await rig.service.cancel(jobId);
    expect((await rig.ended(jobId)).phase).toBe('cancelled');
    rig.puppets.onBegin = (run) => void run.succeed();
    expect(await rig.service.retry(jobId)).toMatchObject({ ok: true });
    const job = await rig.ended(jobId);
    expect(job.phase).toBe('succeeded');
    expect(rig.puppets.begins.filter((begin) => begin.startsWith('validate'))).toHaveLength(1);
  });

  it('runs a failed optional node again, and what is made of it', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    self.failing.add('recognize-speech');
    const first = await self.run();
    expect(first).toMatchObject({ phase: 'succeeded', warnings: [{ nodeId: 'recognize-speech' }] });
    self.takeBegins();
    self.failing.clear();
    const job = await self.retry(first.id);
    expect(self.takeBegins()).toEqual(['merge-1080p', 'merge-720p', 'publish', 'recognize-speech']);
    expect(job).toMatchObject({ phase: 'succeeded', warnings: [] });
  });

  it('of a succeeded job runs the named node and all that depends on it', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const first = await self.run();
    self.takeBegins();
    const job = await self.retry(first.id, ['transcode-720p']);
    expect(self.takeBegins()).toEqual(['merge-720p', 'publish', 'transcode-720p']);
    expect(attemptsOf(job)).toEqual({ 'transcode-720p': 2, 'merge-720p': 2, publish: 2 });
    const outputs = await self.rig.outputs(first.id);
    expect(outputs.filter((path) => path.startsWith('merge-720p'))).toEqual([
      'merge-720p/2/720p.mp4',
    ]);
  });

  it('gives out the product of the new attempt, whatever the storage still has', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const { id, nodes } = await self.run();
    const old = nodes.find((node) => node.id === 'thumbnail')?.artifacts[0];
    assert(old !== undefined, 'there is a picture');
    const key = `${id}/${old.name}`;
    const source = { ...old, key, path: self.rig.workspace.absolute(old.path) };
    const storage = new LocalStorage(join(directory.path, 'storage'));
    const stored = await storage.put({ ...source, sha256: old.sha256, bytes: old.bytes }, never);
    expect(stored.ok).toBe(true);
    await self.retry(id, ['thumbnail']);
    const opened = await self.rig.service.openArtifact(id, old.name);
    assert(opened.ok, 'the picture opens');
    expect(await text(opened.value.object.body)).toContain('attempt 2');
  });
});

describe('a retry after the pipeline was edited', () => {
  /** Runs a job, closes the service, edits the definition and opens it again. */
  async function edited(
    directory: string,
    edit: (definition: string) => string,
    wrapKinds?: JobRigParts['wrapKinds'],
  ) {
    const file = join(directory, 'pipelines', 'standard.yaml');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(directory, 'pipelines'), { recursive: true });
    await writeFile(file, await readFile(standard));
    const parts = {
      directory: join(directory, 'data'),
      pipelines: join(directory, 'pipelines'),
      ...(wrapKinds !== undefined && { wrapKinds }),
    };
    await mkdir(parts.directory);
    const before = await SelfRunning.open(parts);
    const first = await before.run();
    assert(first.phase === 'succeeded', 'the first run is good');
    await before.rig.close();
    const definition = edit(await readFile(file, 'utf8'));
    if (definition === '') await rm(file);
    else await writeFile(file, definition);
    return { first, self: await SelfRunning.open(parts) };
  }

  it('runs exactly what is new or changed, and what depends on it', async () => {
    await using directory = await createTempDirectory();
    const { first, self } = await edited(directory.path, (definition) =>
      definition
        .replace('resolution: 720\n', 'resolution: 720\n      crf: 30\n')
        .concat(
          '\n  transcode-360p:\n    uses: transcode\n    needs: [validate]\n    with: {resolution: 360}\n',
        ),
    );
    await using _ = self;
    const job = await self.retry(first.id);
    expect(self.takeBegins()).toEqual([
      'merge-720p',
      'publish',
      'transcode-360p',
      'transcode-720p',
    ]);
    expect(job.phase).toBe('succeeded');
    expect(job.nodes.map(({ id }) => id)).toContain('transcode-360p');
    expect(attemptsOf(job)).toEqual({ 'transcode-720p': 2, 'merge-720p': 2, publish: 2 });
  });

  it('publishes what it makes, and leaves nothing published that is made no more', async () => {
    await using directory = await createTempDirectory();
    const root = join(directory.path, 'storage');
    const { first, self } = await edited(
      directory.path,
      (definition) =>
        definition
          .replace('      name: 1080p\n', '      name: full\n')
          .replace('needs: [thumbnail, merge-720p', 'needs: [merge-720p'),
      (kinds) => new Map([...kinds, ['publish', publish(new LocalStorage(root))]]),
    );
    await using _ = self;
    const before = await readdir(join(root, first.id));
    expect(before).toEqual(expect.arrayContaining(['1080p.mp4', 'thumbnail.jpg']));
    const job = await self.retry(first.id);
    expect(job.phase).toBe('succeeded');
    const after = await readdir(join(root, first.id));
    expect(after.toSorted()).toEqual(
      before
        .filter((name) => name !== 'thumbnail.jpg')
        .map((name) => name.replace('1080p', 'full'))
        .toSorted(),
    );
    const manifest = await readFile(join(root, first.id, 'manifest.json'), 'utf8');
    for (const name of after) if (name !== 'manifest.json') expect(manifest).toContain(`"${name}"`);
  });

  it('skips a new node that does not apply to the film', async () => {
    await using directory = await createTempDirectory();
    const { first, self } = await edited(directory.path, (definition) =>
      definition.concat(
        '\n  transcode-2160p:\n    uses: transcode\n    needs: [validate]\n    when: media.shortSide > 1080\n    with: {resolution: 2160}\n',
      ),
    );
    await using _ = self;
    const job = await self.retry(first.id);
    expect(job.phase).toBe('succeeded');
    expect(self.takeBegins()).toEqual([]);
    expect(job.nodes.at(-1)).toMatchObject({ id: 'transcode-2160p', phase: 'skipped' });
  });

  it('goes on by the plan of then, and says so, when the pipeline is gone', async () => {
    await using directory = await createTempDirectory();
    const { first, self } = await edited(directory.path, () => '');
    await using _ = self;
    const job = await self.retry(first.id, ['publish']);
    expect(job.phase).toBe('succeeded');
    expect(self.takeBegins()).toEqual(['publish']);
    expect(job.warnings).toEqual([
      {
        code: 'not_found',
        message: expect.stringMatching(
          /^The job went on by its pipeline as it was .* There is no pipeline "standard"\./,
        ) as unknown,
      },
    ]);
  });

  it('goes on by the plan of then when the pipeline wants other parameters', async () => {
    await using directory = await createTempDirectory();
    const { first, self } = await edited(directory.path, (definition) =>
      definition
        .replace('params:\n', 'params:\n  height: {type: number}\n')
        .replace('resolution: 720\n', 'resolution: ${{ params.height }}\n'),
    );
    await using _ = self;
    const job = await self.retry(first.id, ['publish']);
    expect(job).toMatchObject({ phase: 'succeeded', warnings: [{ code: 'invalid_request' }] });
  });
});

describe('a retry of a job whose files are not all there', () => {
  it('is refused without the upload, which would be read', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const { id } = await self.run();
    const upload = join(directory.path, 'incoming', id, 'in');
    const gone = {
      code: 'conflict',
      message:
        'The uploaded film is not kept any more, so the job cannot run again. Upload it anew.',
    };
    await truncate(upload, 2);
    expect(await refusal(self.rig, id, ['publish'])).toEqual(gone);
    await rm(upload);
    expect(await refusal(self.rig, id, ['publish'])).toEqual(gone);
  });

  it('is refused once the upload was kept for as long as it is', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({
      directory: directory.path,
      retention: { sourceMs: 0, productsMs: Infinity, keysMs: Infinity },
    });
    const { id } = await self.run();
    expect(await refusal(self.rig, id, ['publish'])).toMatchObject({ code: 'conflict' });
  });

  it('makes a lost intermediate again only where somebody reads it', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const { id } = await self.run();
    self.takeBegins();
    await rm(join(directory.path, 'jobs', id, 'transcode-720p'), { recursive: true });
    await self.retry(id, ['publish']);
    expect(self.takeBegins()).toEqual(['publish']);
    await self.retry(id, ['merge-720p']);
    expect(self.takeBegins()).toEqual(['merge-720p', 'publish', 'transcode-720p']);
  });

  it('makes a lost product again', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const { id } = await self.run();
    self.takeBegins();
    await rm(join(directory.path, 'jobs', id, 'thumbnail'), { recursive: true });
    expect((await self.retry(id)).phase).toBe('succeeded');
    expect(self.takeBegins()).toEqual(['publish', 'thumbnail']);
  });
});

describe('a retry is refused', () => {
  it('while the job runs', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    const job = await rig.submit(planOf('a'));
    await rig.puppets.begun(job, 'a');
    expect(await refusal(rig, job)).toEqual({
      code: 'conflict',
      message: 'The job has not ended yet (running). Wait for its end, or cancel it first.',
    });
  });

  it('of a job that is complete', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const before = await self.run();
    expect(await refusal(self.rig, before.id)).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('nothing to retry') as unknown,
    });
    expect(await self.rig.job(before.id)).toEqual(before);
    expect(self.rig.engine.checkRoom().ok).toBe(true);
  });

  it('for nodes that the pipeline does not have, with the names of those it has', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const { id } = await self.run();
    expect(await refusal(self.rig, id, ['publish', 'publsh'])).toEqual({
      code: 'invalid_request',
      message:
        'The pipeline has no node "publsh". Its nodes are: validate, extract-audio, thumbnail, ' +
        'transcode-720p, transcode-1080p, recognize-speech, merge-720p, merge-1080p, publish.',
    });
  });

  it('of a job that nobody knows', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path });
    expect(await refusal(rig, newJobId())).toMatchObject({ code: 'not_found' });
  });

  it('when there are as many unfinished jobs as there may be', async () => {
    await using directory = await createTempDirectory();
    await using rig = await JobRig.open({ directory: directory.path, unfinishedMax: 1 });
    const ended = await rig.submit(planOf('a'));
    await rig.succeed(ended, 'a');
    await rig.ended(ended);
    const other = await rig.submit(planOf('a'));
    expect(await refusal(rig, ended, ['a'])).toMatchObject({ code: 'unavailable' });
    await rig.succeed(other, 'a');
    await rig.ended(other);
    expect(await rig.service.retry(ended, ['a'])).toMatchObject({ ok: true });
    expect(rig.engine.checkRoom()).toMatchObject({ ok: false });
    await rig.succeed(ended, 'a', 2);
    await rig.ended(ended);
    expect(rig.engine.checkRoom().ok).toBe(true);
  });

  it('without room on the disk for what the job will write, and keeps none set aside', async () => {
    await using directory = await createTempDirectory();
    const space = { freeBytes: 1_000_000, totalBytes: 1_000_000 };
    await using self = await SelfRunning.open({
      directory: directory.path,
      readSpace: () => Promise.resolve(space),
    });
    const { id } = await self.run();
    expect(self.rig.ledger.outstandingBytes).toBe(0);
    // The upload has 6 bytes and is on disk, so the job may write 12 more; 50 000 stay free.
    space.freeBytes = 50_011;
    expect(await refusal(self.rig, id, ['publish'])).toMatchObject({
      code: 'storage',
      message: expect.stringContaining('for this retry') as unknown,
    });
    expect(self.rig.ledger.outstandingBytes).toBe(0);
    space.freeBytes = 50_012;
    expect((await self.retry(id, ['publish'])).phase).toBe('succeeded');
    expect(self.rig.ledger.outstandingBytes).toBe(0);
  });

  it('for all but one of those who ask at the same time', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const { id } = await self.run();
    const answers = await Promise.all([1, 2, 3].map(() => self.rig.service.retry(id, ['publish'])));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    for (const answer of answers) {
      if (!answer.ok) expect(answer.error.code).toBe('conflict');
    }
    const job = await self.rig.ended(id);
    expect(attemptsOf(job)).toEqual({ publish: 2 });
  });
});

describe('a retry in the moment of a deletion', () => {
  it('does not bring the job back', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    const { id } = await self.run();
    const [retried, deleted] = await Promise.all([
      self.rig.service.retry(id, ['publish']),
      self.rig.service.delete(id),
    ]);
    expect(deleted.ok).toBe(true);
    if (!retried.ok) expect(['conflict', 'not_found']).toContain(retried.error.code);
    expect(await self.rig.service.get(id)).toMatchObject({ ok: false });
    expect(await self.rig.outputs(id)).toEqual([]);
  });
});

describe('the followers of a retried job', () => {
  it('are told all of it, each part once, and leave at each end', async () => {
    await using directory = await createTempDirectory();
    await using self = await SelfRunning.open({ directory: directory.path });
    self.failing.add('publish');
    const { id } = await self.run();
    const first = await collect(self.rig, id, 0);
    self.failing.clear();
    const retried = await self.rig.service.retry(id);
    assert(retried.ok, 'the retry is accepted');
    const second = await collect(self.rig, id, first.length);
    expect(second.map((update) => brief(update))).toEqual([
      `${first.length + 1}: job running`,
      `${first.length + 2}: publish waiting`,
      `${first.length + 3}: publish ready`,
      `${first.length + 4}: publish running`,
      `${first.length + 5}: publish succeeded`,
      `${first.length + 6}: job succeeded`,
    ]);
    expect(await collect(self.rig, id, 0)).toEqual([...first, ...second]);
  });
});

describe('a retried job', () => {
  it('is taken up after a crash like any other', async () => {
    await using directory = await createTempDirectory();
    const before = await SelfRunning.open({ directory: directory.path });
    const { id } = await before.run();
    before.rig.puppets.onBegin = () => {};
    await before.rig.service.retry(id, ['publish']);
    await before.rig.puppets.begun(id, 'publish', 2);
    await before.rig.close();

    await using after = await SelfRunning.open({ directory: directory.path });
    const job = await after.rig.ended(id);
    expect(job.phase).toBe('succeeded');
    expect(after.takeBegins()).toEqual(['publish']);
  });
});

async function collect(rig: JobRig, jobId: string, after: number): Promise<readonly JobUpdate[]> {
  const updates: JobUpdate[] = [];
  for await (const update of rig.service.follow(jobId, after, never)) updates.push(update);
  return updates;
}

function brief(update: JobUpdate): string {
  if (update.type === 'progress') return `${update.nodeId} at ${update.fraction}`;
  const { sequence, notice } = update;
  if (notice.type === 'node') return `${sequence}: ${notice.nodeId} ${notice.phase}`;
  return `${sequence}: ${notice.type} ${notice.type === 'job' ? notice.phase : ''}`;
}
