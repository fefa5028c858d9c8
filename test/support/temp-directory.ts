import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of one test, gone with all that is in it at the end of its scope. */
export interface TempDirectory extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
}

/** Makes an empty directory; use it with `await using`. */
export async function createTempDirectory(): Promise<TempDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'reelgraph-test-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
