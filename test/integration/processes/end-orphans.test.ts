import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { endOrphans } from '../../../src/processes/end-orphans.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** Starts a program that works in a directory and does not end by itself, nor by SIGTERM. */
async function startIn(cwd: string): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', 'trap "" TERM; echo started; exec sleep 1000'], {
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

describe('what an earlier service left running', () => {
  test('in the directory, or below it, is killed, and nothing else', async () => {
    await using temporary = await createTempDirectory();
    const directory = join(temporary.path, 'scratch');
    const attempt = join(directory, 'job.node.1');
    const sibling = join(temporary.path, 'scratch-of-another');
    await mkdir(attempt, { recursive: true });
    await mkdir(sibling);
    const orphans = [await startIn(directory), await startIn(attempt)];
    const stranger = await startIn(sibling);
    const ends = orphans.map((orphan) => once(orphan, 'exit'));
    const ended = await endOrphans({ directory, clock: systemClock });
    expect(new Set(ended)).toEqual(new Set(orphans.map(({ pid }) => pid)));
    for (const end of ends) expect(await end).toEqual([null, 'SIGKILL']);
    expect(stranger.signalCode).toBeNull();
    expect(await endOrphans({ directory, clock: systemClock })).toEqual([]);
  });

  test('in a directory that was removed since is found, also through a link', async () => {
    await using temporary = await createTempDirectory();
    const directory = join(temporary.path, 'scratch');
    const attempt = join(directory, 'job.node.1');
    await mkdir(attempt, { recursive: true });
    await symlink(directory, join(temporary.path, 'link'));
    const orphan = await startIn(attempt);
    await rm(attempt, { recursive: true });
    const end = once(orphan, 'exit');
    const link = join(temporary.path, 'link');
    expect(await endOrphans({ directory: link, clock: systemClock })).toEqual([orphan.pid]);
    expect(await end).toEqual([null, 'SIGKILL']);
  });

  test('is nothing where there is no such directory', async () => {
    const directory = '/nowhere/at/all';
    expect(await endOrphans({ directory, clock: systemClock })).toEqual([]);
  });

  test('is not this service itself, wherever it works', async () => {
    await using temporary = await createTempDirectory();
    const before = process.cwd();
    process.chdir(temporary.path);
    onTestFinished(() => process.chdir(before));
    expect(await endOrphans({ directory: temporary.path, clock: systemClock })).toEqual([]);
  });
});
