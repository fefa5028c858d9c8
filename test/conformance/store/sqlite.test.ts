import { join } from 'node:path';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { describeStore } from './suite.ts';

describeStore({
  name: 'SQLite store',
  openerUrl: new URL('sqlite-opener.ts', import.meta.url).href,
  async newLocation() {
    const directory = await createTempDirectory();
    return {
      location: join(directory.path, 'reelgraph.db'),
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  },
});
