import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { keyOf, ResultRig } from '../../support/result-rig.ts';

/** Room that an entry takes besides its files, and for three entries of middling size. */
const entryBytes = 8192;
const bytesMax = 3 * (entryBytes + 20);

const action = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  /** Keeps a result of so many bytes, or uses it. */
  bytes: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
});

/** What the cache should hold, least recently used first: key → bytes. */
class Model {
  readonly entries = new Map<string, number>();

  get bytes(): number {
    return [...this.entries.values()].reduce((sum, bytes) => sum + entryBytes + bytes, 0);
  }

  keep(key: string, bytes: number): void {
    if (this.entries.has(key)) return;
    for (const oldest of this.entries.keys()) {
      if (this.bytes + entryBytes + bytes <= bytesMax) break;
      this.entries.delete(oldest);
    }
    this.entries.set(key, bytes);
  }

  use(key: string): void {
    const bytes = this.entries.get(key);
    if (bytes === undefined) return;
    this.entries.delete(key);
    this.entries.set(key, bytes);
  }
}

it('the results never take more than their room, and the least recently used ones go first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
      await using directory = await createTempDirectory();
      await using rig = await ResultRig.open(directory.path, bytesMax);
      const model = new Model();
      for (const { name, bytes } of actions) {
        const key = keyOf(name);
        if (bytes === undefined) {
          const isKept = model.entries.has(key);
          model.use(key);
          expect((await rig.take(key)).result !== undefined).toBe(isKept);
        } else {
          model.keep(key, bytes);
          await rig.keep(key, 'x'.repeat(bytes));
        }
        expect(rig.cache.bytes).toBeLessThanOrEqual(bytesMax);
      }
      expect(rig.cache.bytes).toBe(model.bytes);
      expect(await rig.rows()).toEqual([...model.entries.keys()]);
      expect(await rig.directories()).toEqual([...model.entries.keys()].toSorted());
    }),
    { numRuns: 40 },
  );
});
