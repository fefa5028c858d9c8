import { open } from 'node:fs/promises';

/** Waits until a file's bytes, or the names in a directory, are on disk (fsync(2)). */
export async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
