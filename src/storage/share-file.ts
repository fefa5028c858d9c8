import { constants } from 'node:fs';
import { copyFile, link, lstat } from 'node:fs/promises';
import { assert } from '../base/assert.ts';
import { errorCodeOf } from '../base/error-code.ts';

/** Error codes of link(2) where a hard link can't be made, though a copy can. */
const linkRefusals: ReadonlySet<unknown> = new Set([
  'EXDEV',
  'EPERM',
  'EMLINK',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
]);

/**
 * Gives a regular file a second name without copying it where the file system can; never by a symbolic
 * link. Whoever shares a file never changes its bytes, and removing one name leaves the other.
 *
 * @throws Error with the system's code: `ENOENT` when `from` is not there, `EEXIST` when `to` is.
 */
export async function shareFile(from: string, to: string): Promise<void> {
  assert((await lstat(from)).isFile(), 'what is to be shared is not a regular file');
  try {
    await link(from, to);
  } catch (thrown) {
    if (!linkRefusals.has(errorCodeOf(thrown))) throw thrown;
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}
