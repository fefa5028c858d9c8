import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../../../src/storage/workspace.ts';

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

describe('Workspace', () => {
  it('gives every attempt an empty directory, also where an earlier life left files', async () => {
    const first = await workspace.createAttempt(key);
    await writeFile(join(first, 'left-over'), 'x');
    const again = await workspace.createAttempt(key);
    expect(again).toBe(first);
    expect(await readdir(again)).toEqual([]);
    const other = await workspace.createAttempt({ ...key, attempt: 2 });
    expect(other).not.toBe(first);
  });

  it('says size and SHA-256 of a sealed file', async () => {
    const path = join(await workspace.createAttempt(key), 'file');
    await writeFile(path, 'abc');
    expect(await workspace.seal(path, undefined)).toEqual({
      bytes: 3,
      // SHA-256 of "abc": FIPS 180-4, example B.1.
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    });
  });

  it('takes a digest that is known already', async () => {
    const path = join(await workspace.createAttempt(key), 'file');
    await writeFile(path, 'abc');
    expect(await workspace.seal(path, 'known')).toEqual({ bytes: 3, sha256: 'known' });
  });

  it('removes an attempt, and does not mind when there is none', async () => {
    await workspace.createAttempt(key);
    await workspace.removeAttempt(key);
    await workspace.removeAttempt(key);
    expect(await readdir(join(root, 'jobs', 'job', 'a'))).toEqual([]);
  });
});
