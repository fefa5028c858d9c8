import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../../../src/storage/workspace.ts';
import { watchSyncs } from '../../support/watch-syncs.ts';

const key = { jobId: 'job', nodeId: 'a', attempt: 1 };
let root: string;
let workspace: Workspace;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-workspace-'));
  workspace = new Workspace(root);
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Every file below the data directory, relative to it. */
async function files(): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}

describe('an attempt’s directory', () => {
  it('is empty, also where an earlier life left files, and its own', async () => {
    const first = await workspace.createAttempt(key);
    await writeFile(join(first, 'left-over'), 'x');
    const again = await workspace.createAttempt(key);
    expect(again).toBe(first);
    expect(await readdir(again)).toEqual([]);
    const other = await workspace.createAttempt({ ...key, attempt: 2 });
    expect(other).not.toBe(first);
  });

  it('is removed with all that is in it, and nothing there is fine', async () => {
    const directory = await workspace.createAttempt(key);
    await writeFile(join(directory, 'file'), 'x');
    await workspace.removeAttempt(key);
    await workspace.removeAttempt(key);
    expect(await files()).toEqual([]);
    expect(await readdir(join(root, 'scratch'))).toEqual([]);
  });

  it('of an earlier life goes away, with all others, when the scratch is cleared', async () => {
    for (const attempt of [1, 2]) {
      await writeFile(join(await workspace.createAttempt({ ...key, attempt }), 'file'), 'x');
    }
    await workspace.clearScratch();
    await workspace.clearScratch();
    expect(await files()).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('what a removal took away', () => {
  const jobId = 'J'.repeat(22);
  const ofJob = { jobId, nodeId: 'a', attempt: 1 };

  beforeEach(async () => {
    await mkdir(join(root, 'incoming', jobId), { recursive: true });
    await writeFile(join(root, 'incoming', jobId, 'in'), 'a film');
    const directory = await workspace.createAttempt(ofJob);
    for (const name of ['a', 'b']) await writeFile(join(directory, name), name);
    await workspace.promote(ofJob, [{ name: 'a' }, { name: 'b' }]);
  });

  /** What is synced while something is removed twice: the first time may be cut off before its sync. */
  async function syncsOfTwo(remove: () => Promise<void>) {
    using watch = await watchSyncs();
    await remove();
    await remove();
    return watch.syncs.map(({ path, names }) => [path.slice(root.length + 1), ...names]);
  }

  it('is off the disk: an upload', async () => {
    const syncs = await syncsOfTwo(() => workspace.removeUpload(jobId));
    expect(syncs).toEqual([['incoming'], ['incoming']]);
  });

  it('is off the disk: files, by one sync for each directory', async () => {
    const paths = ['a', 'b'].map((name) => `jobs/${jobId}/a/1/${name}`);
    const syncs = await syncsOfTwo(() => workspace.removeFiles(paths));
    expect(syncs).toEqual([[`jobs/${jobId}/a/1`], [`jobs/${jobId}/a/1`]]);
  });

  it('is off the disk: outputs of attempts', async () => {
    const syncs = await syncsOfTwo(() => workspace.removeOutputs([ofJob]));
    expect(syncs).toEqual([[`jobs/${jobId}/a`], [`jobs/${jobId}/a`]]);
  });

  it('is off the disk: all files of a job', async () => {
    const syncs = await syncsOfTwo(() => workspace.removeJob(jobId));
    expect(syncs).toEqual([['incoming'], ['jobs'], ['incoming'], ['jobs']]);
  });

  it('may come back with the power where a worker waits: an attempt', async () => {
    expect(await syncsOfTwo(() => workspace.removeAttempt(ofJob))).toEqual([]);
  });
});

describe('promoted outputs', () => {
  it('lie at a place of their attempt, with size and SHA-256', async () => {
    await writeFile(join(await workspace.createAttempt(key), 'file'), 'abc');
    const promoted = await workspace.promote(key, [{ name: 'file' }]);
    expect(promoted).toEqual([
      {
        name: 'file',
        path: 'jobs/job/a/1/file',
        bytes: 3,
        // SHA-256 of "abc": FIPS 180-4, example B.1.
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      },
    ]);
    expect(await readFile(workspace.absolute('jobs/job/a/1/file'), 'utf8')).toBe('abc');
  });

  it('keep a digest that is known already', async () => {
    await writeFile(join(await workspace.createAttempt(key), 'file'), 'abc');
    const promoted = await workspace.promote(key, [{ name: 'file', sha256: 'known' }]);
    expect(promoted).toMatchObject([{ bytes: 3, sha256: 'known' }]);
  });

  it('are all that is left of an attempt', async () => {
    const directory = await workspace.createAttempt(key);
    await mkdir(join(directory, 'passes'));
    for (const name of ['b', 'a', 'look-1.gray', 'passes/log']) {
      await writeFile(join(directory, name), name);
    }
    const promoted = await workspace.promote(key, [{ name: 'b' }, { name: 'a' }]);
    expect(promoted.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(await files()).toEqual(['jobs/job/a/1/a', 'jobs/job/a/1/b']);
    expect(await readdir(join(root, 'scratch'))).toEqual([]);
  });

  it('are removed with their attempt, and by their path', async () => {
    await writeFile(join(await workspace.createAttempt(key), 'file'), 'abc');
    await workspace.promote(key, [{ name: 'file' }]);
    await workspace.removeFiles(['jobs/job/a/1/file']);
    await workspace.removeFiles(['jobs/job/a/1/file', 'jobs/job/b/1/never-was']);
    expect(await files()).toEqual([]);
    await workspace.removeAttempt(key);
    expect(await readdir(join(root, 'jobs/job/a'))).toEqual([]);
  });

  it('are removed with those of other attempts, and what is named is all that goes', async () => {
    for (const attempt of [1, 2, 3]) {
      await writeFile(join(await workspace.createAttempt({ ...key, attempt }), 'file'), 'abc');
      await workspace.promote({ ...key, attempt }, [{ name: 'file' }]);
    }
    for (let times = 0; times < 2; times += 1) {
      await workspace.removeOutputs([key, { ...key, attempt: 3 }, { ...key, nodeId: 'never-was' }]);
      expect(await files()).toEqual(['jobs/job/a/2/file']);
    }
  });

  it('stay away when one of them is absent', async () => {
    await writeFile(join(await workspace.createAttempt(key), 'there'), 'x');
    const promoting = workspace.promote(key, [{ name: 'there' }, { name: 'absent' }]);
    await expect(promoting).rejects.toThrow('ENOENT');
    expect(await files()).toEqual(['scratch/job.a.1/there']);
  });

  it('are regular files, never links to something else', async () => {
    const directory = await workspace.createAttempt(key);
    await symlink('/etc/hostname', join(directory, 'link'));
    await mkdir(join(directory, 'folder'));
    await expect(workspace.promote(key, [{ name: 'link' }])).rejects.toThrow('ELOOP');
    await mkdir(join(directory, 'folder'));
    await expect(workspace.promote(key, [{ name: 'folder' }])).rejects.toThrow('no regular file');
  });
});
