import { access } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The directory itself, or the one above it in which it would be made. */
export async function nearestDirectory(path: string): Promise<string> {
  let candidate = path;
  while (dirname(candidate) !== candidate) {
    try {
      await access(candidate);
      return candidate;
    } catch {
      candidate = dirname(candidate);
    }
  }
  return candidate;
}
