import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedModel } from './model-catalog.ts';

/** Ending of a file that is not complete or not checked yet. */
export const partEnding = '.part';

/**
 * What there is of a published model in a directory, by size alone: digests of gigabytes take seconds.
 *
 * - `here` a file of the published size
 * - `partial` the beginning, from an interrupted fetch
 * - `different` a file of its name with another size: a broken copy, or somebody's own model
 * - `absent` nothing
 */
export interface ModelState {
  readonly state: 'here' | 'partial' | 'different' | 'absent';
  /** Bytes on disk. */
  readonly bytes: number;
}

/** Looks for a published model in `directory`. */
export async function readModelState(
  { fileName, bytes: bytesPublished }: PublishedModel,
  directory: string,
): Promise<ModelState> {
  const path = join(directory, fileName);
  const bytes = await sizeOf(path);
  if (bytes !== undefined) return { state: bytes === bytesPublished ? 'here' : 'different', bytes };
  const partBytes = await sizeOf(path + partEnding);
  // A fetch that came to nothing leaves an empty part.
  return partBytes === undefined || partBytes === 0
    ? { state: 'absent', bytes: 0 }
    : { state: 'partial', bytes: partBytes };
}

/** Size of a file in bytes; undefined when it cannot be seen. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true ? stats.size : undefined;
}
