import { join } from 'node:path';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { describePlans } from './plan-suite.ts';
import { describeResults } from './result-suite.ts';
import { describeRetention } from './retention-suite.ts';
import type { StoreHarness } from './store-harness.ts';
import { describeStore } from './suite.ts';

const harness: StoreHarness = {
  name: 'SQLite store',
  openerUrl: new URL('sqlite-opener.ts', import.meta.url).href,
  async newLocation() {
    const directory = await createTempDirectory();
    return {
      location: join(directory.path, 'reelgraph.db'),
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  },
};

describeStore(harness);
describePlans(harness);
describeRetention(harness);
describeResults(harness);
