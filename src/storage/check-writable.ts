import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failureFromThrown, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';

/**
 * Whether the data directory takes a file now, found out by writing one, `.writable`, and removing it:
 * permissions alone say nothing of a full disk or of one that was taken away. Failure: `storage`.
 */
export async function checkWritable(directory: string): Promise<Result<void, Failure>> {
  const path = join(directory, '.writable');
  try {
    await writeFile(path, '.', { mode: 0o600 });
    await rm(path, { force: true });
    return ok(undefined);
  } catch (thrown) {
    const message = 'The service cannot write to its disk. Try again later.';
    return err(failureFromThrown(thrown, 'storage', message));
  }
}
