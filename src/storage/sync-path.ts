import { open } from 'node:fs/promises';
import { errorCodeOf } from '../base/error-code.ts';

/** Waits until a file's bytes, or the names in a directory, are on disk (fsync(2)). */
export async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** Like {@link syncPath}; a directory that is not there is fine: no name in it can come back. */
export async function syncIfThere(directory: string): Promise<void> {
  try {
    await syncPath(directory);
  } catch (thrown) {
    if (errorCodeOf(thrown) !== 'ENOENT') throw thrown;
  }
}
