import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCodeOf } from '../base/error-code.ts';
import { syncPath } from './sync-path.ts';

/**
 * Makes a directory with this mode, and what is missing above it; one that is there stays as it is. When it
 * resolves, the names of what was made are on disk.
 * `path` is absolute. Node's own recursive `mkdir` is not used: it never ends where a file system says
 * "no such file" of a name whose parent is there, as `/proc` does.
 *
 * @throws Error with the system's code when it cannot be made, `EEXIST` where a file is in the way.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const missing: string[] = [];
  // Ends at the root at the latest.
  for (let at = path; !(await isDirectory(at)); at = dirname(at)) missing.push(at);
  for (const directory of missing.toReversed()) await makeOne(directory, mode);
}

async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
    await syncNamesIn(dirname(path));
  } catch (thrown) {
    // Somebody else may have made it in the meantime.
    if (errorCodeOf(thrown) === 'EEXIST' && (await isDirectory(path))) return;
    throw thrown;
  }
}

async function syncNamesIn(path: string): Promise<void> {
  try {
    await syncPath(path);
  } catch (thrown) {
    // Who may write in a directory need not be allowed to read it, and then cannot sync it either.
    if (errorCodeOf(thrown) !== 'EACCES') throw thrown;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}
