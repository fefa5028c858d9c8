import { afterAll, beforeAll } from 'vitest';
import { required } from '../../src/base/assert.ts';
import { createTempDirectory } from '../support/temp-directory.ts';
import type { TempDirectory } from '../support/temp-directory.ts';
import { prepareSmallWork } from './small-work.ts';
import type { SmallWork } from './small-work.ts';

/** Small work for all tests of a file, there from their first hook on. */
export interface PreparedWork {
  readonly work: SmallWork;
  /** Absolute path of the directory that the work lies in, which goes when the tests are through. */
  readonly directory: string;
}

/** Prepares small work before the tests of the file that calls it, and removes it behind them. */
export function useSmallWork(): PreparedWork {
  let temporary: TempDirectory | undefined;
  let work: SmallWork | undefined;
  beforeAll(async () => {
    temporary = await createTempDirectory();
    work = await prepareSmallWork(temporary.path);
  });
  afterAll(() => temporary?.[Symbol.asyncDispose]());
  return {
    get work() {
      return required(work, 'the work, before the first hook');
    },
    get directory() {
      return required(temporary, 'the directory, before the first hook').path;
    },
  };
}
