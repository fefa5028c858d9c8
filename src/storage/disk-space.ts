import { statfs } from 'node:fs/promises';
import { gibibyte } from '../base/units.ts';

/** The file system around a directory, in bytes. */
export interface DiskSpace {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Reads how much room there is. Throws when the directory is not there. */
export async function readDiskSpace(directory: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** What uploads leave free at most, in bytes: a job's outputs and the database need room, too. */
const reserveBytesMax = gibibyte;

/** The part of a small disk that they leave free; 5 % is also what ext4 keeps for its own. */
const reserveShare = 0.05;

/** What uploads leave free of this disk, in bytes: the low-water mark. */
export function reserveBytes({ totalBytes }: DiskSpace): number {
  return Math.min(reserveBytesMax, totalBytes * reserveShare);
}

/** Whether an upload may take `bytes` more. */
export function hasRoom(space: DiskSpace, bytes: number): boolean {
  return space.freeBytes - bytes >= reserveBytes(space);
}
