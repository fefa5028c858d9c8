import { join } from 'node:path';
import { LocalDispatch } from '../../../src/dispatch/local-dispatch.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { open } from '../store/sqlite-opener.ts';
import { describeDispatch } from './suite.ts';

describeDispatch({
  name: 'local dispatch',
  async open() {
    const directory = await createTempDirectory();
    const store = await open(join(directory.path, 'reelgraph.db'));
    return {
      dispatch: new LocalDispatch(),
      store,
      async [Symbol.asyncDispose]() {
        await store.close();
        await directory[Symbol.asyncDispose]();
      },
    };
  },
});
