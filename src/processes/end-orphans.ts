import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Clock } from '../base/clock.ts';

/** What {@link endOrphans} looks for. */
export interface OrphanSearch {
  /** A directory in which no process but this service's has anything to do. */
  readonly directory: string;
  readonly clock: Clock;
}

/** How often it is looked whether a killed process is gone, in milliseconds. */
const lookMs = 20;

/** How long one may take to go: until a write that hangs in a slow disk is over, in milliseconds. */
const goneLimitMs = 5000;

/**
 * Kills every process of this user that works in the directory or below it, and waits until it is gone:
 * what an earlier service left running when it was killed would write into the files of its successor.
 * Returns the ids of those that it killed. Does nothing where the system has no `/proc` (proc(5)).
 *
 * Nothing may be started in the directory meanwhile: call it before the first node is.
 */
export async function endOrphans({ directory, clock }: OrphanSearch): Promise<readonly number[]> {
  const orphans = await findProcessesIn(directory);
  for (const pid of orphans) kill(pid);
  const limitMs = clock.monotonicMs() + goneLimitMs;
  while (clock.monotonicMs() < limitMs) {
    const left = new Set(await findProcessesIn(directory));
    if (!orphans.some((pid) => left.has(pid))) break;
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(lookMs, resolve);
    await promise;
  }
  return orphans;
}

async function findProcessesIn(directory: string): Promise<readonly number[]> {
  const place = await realpathOf(directory);
  if (place === undefined) return [];
  const pids = (await namesIn('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => pid !== process.pid && (await worksIn(pid, place))),
  );
  return pids.filter((_, index) => found[index]);
}

/** Whether a process works there. A process that has ended, or is another user's, does not tell. */
async function worksIn(pid: number, place: string): Promise<boolean> {
  try {
    const { uid } = await stat(`/proc/${pid}`);
    if (uid !== process.getuid?.()) return false;
    const path = await readlink(`/proc/${pid}/cwd`);
    // A directory that was removed meanwhile has this behind its name (proc(5)).
    const cwd = path.replace(/ \(deleted\)$/, '');
    return cwd === place || cwd.startsWith(place + sep);
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended meanwhile.
  }
}

/** The directory as the kernel names it, without links; nothing where it is not there. */
async function realpathOf(directory: string): Promise<string | undefined> {
  try {
    return await realpath(directory);
  } catch {
    return undefined;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    return [];
  }
}
