import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { assert } from '../../src/base/assert.ts';
import type { ChildTrace, NodeTrace } from './trace.ts';

/**
 * Seconds that the longest command of a node takes when nothing but it is run: the same arguments, on
 * `source` in place of the job's copy of it, into a directory of its own.
 */
export async function bareSeconds(
  nodes: readonly NodeTrace[],
  nodeId: string,
  source: string,
): Promise<number> {
  const children = nodes.find((node) => node.nodeId === nodeId)?.children ?? [];
  const [longest] = children.toSorted((a, b) => secondsOf(b) - secondsOf(a));
  assert(longest !== undefined, `${nodeId} ran a command`);
  const directory = await mkdtemp(join(tmpdir(), 'reelgraph-bare-'));
  try {
    const [program = '', ...args] = longest.argv.map((argument) =>
      relocate(argument, source, directory),
    );
    const startedAtMs = performance.now();
    const child = spawn(program, args, { cwd: directory, stdio: 'ignore' });
    const [code] = await once(child, 'exit');
    assert(code === 0, `${program} ends well`);
    return (performance.now() - startedAtMs) / 1000;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function secondsOf({ spawnedAtMs, goneAtMs = spawnedAtMs }: ChildTrace): number {
  return (goneAtMs - spawnedAtMs) / 1000;
}

/** Paths of the job become paths here: that of its source, and those of outputs. */
function relocate(argument: string, source: string, directory: string): string {
  if (argument.includes('/jobs/') && basename(argument) === 'source') return source;
  return argument.includes('/scratch/') ? join(directory, basename(argument)) : argument;
}
