import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { open } from '../../conformance/store/sqlite-opener.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { jobChanges, uploads } from './job-state-arbitrary.ts';

test('any job comes back exactly as it was stored, first inserted and then changed', async () => {
  await using directory = await createTempDirectory();
  const store = await open(join(directory.path, 'reelgraph.db'));
  try {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(jobChanges, uploads, async ([first, second], upload) => {
        count += 1;
        const id = `job-${count}`;
        const before = { ...first, id };
        const after = { ...second, id };
        await store.transaction((tx) => tx.insertJob({ state: before, upload }));
        expect(await store.readJob(before.id)).toStrictEqual({ state: before, upload });
        await store.transaction((tx) => tx.saveJob(before, after));
        expect(await store.readJob(after.id)).toStrictEqual({ state: after, upload });
      }),
      { numRuns: 200 },
    );
  } finally {
    await store.close();
  }
});
