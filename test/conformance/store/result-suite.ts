import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { withNewStore, type StoreHarness } from './store-harness.ts';

/** What every store promises about the results that are kept for other jobs. */
export function describeResults(harness: StoreHarness): void {
  const withStore = (body: (store: Store) => Promise<void>) => withNewStore(harness, body);

  describe(`${harness.name}: results`, () => {
    const resultOf = (key: string, usedAtMs: number) => ({
      key,
      result: { files: [{ name: 'é.mp4', bytes: 5, sha256: 'a'.repeat(64) }] },
      bytes: 2 ** 40,
      usedAtMs,
    });

    test('reads a result back as it was inserted, once it is committed', async () => {
      await withStore(async (store) => {
        const kept = resultOf('a', 1);
        await store.transaction(async (tx) => {
          expect(await tx.results.insert(kept)).toBe(true);
          expect(await tx.results.has('a')).toBe(true);
          expect(await store.readResult('a')).toBeUndefined();
        });
        expect(await store.readResult('a')).toEqual(kept.result);
        expect(await store.readResult('b')).toBeUndefined();
        expect(await store.transaction((tx) => tx.results.has('b'))).toBe(false);
      });
    });

    test('leaves the first of two results with one key', async () => {
      await withStore(async (store) => {
        const kept = resultOf('a', 1);
        await store.transaction((tx) => tx.results.insert(kept));
        const second = { ...kept, result: { files: [] }, usedAtMs: 9 };
        expect(await store.transaction((tx) => tx.results.insert(second))).toBe(false);
        expect(await store.readResult('a')).toEqual(kept.result);
      });
    });

    test('lists results by their last use, a part at a time', async () => {
      await withStore(async (store) => {
        await store.transaction(async (tx) => {
          for (const [key, usedAtMs] of [
            ['b', 2],
            ['c', 1],
            ['a', 2],
          ] as const) {
            await tx.results.insert(resultOf(key, usedAtMs));
          }
          await tx.results.touch('c', 2);
          await tx.results.touch('absent', 2);
        });
        await store.transaction(async (tx) => {
          const [a, b] = await tx.results.oldest(2);
          expect([a, b]).toEqual([
            { key: 'a', bytes: 2 ** 40, usedAtMs: 2 },
            { key: 'b', bytes: 2 ** 40, usedAtMs: 2 },
          ]);
          expect((await tx.results.oldest(2, b)).map(({ key }) => key)).toEqual(['c']);
        });
      });
    });

    test('says how much the results took that it removed', async () => {
      await withStore(async (store) => {
        const keys = Array.from({ length: 600 }, (_, index) => `key-${index}`);
        await store.transaction(async (tx) => {
          for (const key of keys) await tx.results.insert({ ...resultOf(key, 1), bytes: 2 });
        });
        const removed = await store.transaction((tx) => tx.results.remove([...keys, 'absent']));
        expect(removed).toBe(1200);
        expect(await store.transaction((tx) => tx.results.oldest(10))).toEqual([]);
      });
    });
  });
}
