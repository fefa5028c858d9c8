import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failureFromThrown, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { nearestDirectory } from './nearest-directory.ts';
import { printable } from './text.ts';

/** How the names of scratch directories begin: hidden, and telling whose they are. */
const scratchPrefix = '.reelgraph-run-';

/** Whether a file of that name is what a run left that was killed. */
export function isScratchName(name: string): boolean {
  return name.startsWith(scratchPrefix);
}

/** A directory for the files of one run, removed with all of them when it is disposed of. */
export interface ScratchDirectory extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
}

/**
 * Makes a scratch directory on the disk that the products go to: in their directory if it exists, else
 * in the nearest one above it. The system's directory for temporary files is often in memory, which a film
 * and its renditions would fill. A process that ends at once removes it, too. Failure: `storage`.
 */
export async function createScratchDirectory(
  outputDirectory: string,
): Promise<Result<ScratchDirectory, Failure>> {
  const parent = await nearestDirectory(outputDirectory);
  let path: string;
  try {
    path = await mkdtemp(join(parent, scratchPrefix));
  } catch (thrown) {
    const message = `${printable(parent)} cannot be written to. Choose another directory with --out.`;
    return err(failureFromThrown(thrown, 'storage', message));
  }
  const removeAtOnce = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', removeAtOnce);
  return ok({
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      process.off('exit', removeAtOnce);
    },
  });
}
