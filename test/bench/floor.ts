import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from './statistics.ts';

/** What the machine itself takes for the parts that a hand-off can't do without; medians in milliseconds. */
export interface HandOffFloor {
  /** Starting a program that does nothing from this process: fork(2) copies the page tables of all of it. */
  readonly spawnMs: number;
  /** Making one small write durable. A hand-off has three: the outputs, that node's end, this one's start. */
  readonly syncMs: number;
}

const repeats = 15;

/** Measures the floor in the process, and so with the memory, that ran the jobs. */
export async function measureHandOffFloor(): Promise<HandOffFloor> {
  return { spawnMs: await medianOf(spawnOnce), syncMs: await measureSync() };
}

async function spawnOnce(): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn('/bin/true', { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const spawnedAtMs = performance.now();
  await once(child, 'close');
  return spawnedAtMs - startedAtMs;
}

async function measureSync(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'reelgraph-sync-'));
  try {
    await using file = await open(join(directory, 'file'), 'w');
    return await medianOf(async () => {
      const startedAtMs = performance.now();
      await file.write('x'.repeat(4096));
      await file.sync();
      return performance.now() - startedAtMs;
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function medianOf(measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) values.push(await measure());
  return quantile(values, 0.5);
}
