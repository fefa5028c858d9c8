import { describe, expect, test } from 'vitest';
import { LocalDispatch } from '../../../src/dispatch/local-dispatch.ts';
import { SqlStoreTransaction } from '../../../src/store/sql-store.ts';
import { offerOf } from '../../conformance/dispatch/sample-offers.ts';

/** A transaction without a database, committed by hand. */
function createTransaction() {
  const listeners: (() => void)[] = [];
  const tx = new SqlStoreTransaction({ query: () => Promise.resolve([]) }, '', listeners);
  return {
    tx,
    commit: (): void => {
      for (const listener of listeners) listener();
    },
  };
}

describe('LocalDispatch', () => {
  test('announces commits that end in the same turn once, with all their offers', async () => {
    const dispatch = new LocalDispatch();
    const seen: (readonly string[])[] = [];
    dispatch.onReady(() => {
      dispatch.claim((offers) => {
        seen.push(offers.map(({ nodeId }) => nodeId));
        return [];
      });
    });
    const commits: (() => void)[] = [];
    for (const nodeId of ['a', 'b', 'c']) {
      const { tx, commit } = createTransaction();
      await dispatch.offer(tx, [offerOf(nodeId)]);
      commits.push(commit);
    }
    for (const commit of commits) commit();
    expect(seen).toEqual([]);
    await Promise.resolve();
    expect(seen).toEqual([['a', 'b', 'c']]);
  });

  test('does not announce what was withdrawn in the same turn', async () => {
    const dispatch = new LocalDispatch();
    let calls = 0;
    dispatch.onReady(() => (calls += 1));
    const offering = createTransaction();
    const withdrawing = createTransaction();
    await dispatch.offer(offering.tx, [offerOf('a')]);
    await dispatch.withdraw(withdrawing.tx, 'job');
    offering.commit();
    withdrawing.commit();
    await Promise.resolve();
    expect(calls).toBe(0);
  });

  test('may be claimed from within an announcement, and announces again for later offers', async () => {
    const dispatch = new LocalDispatch();
    const claimed: (readonly string[])[] = [];
    dispatch.onReady(() => {
      claimed.push(dispatch.claim((offers) => offers).map(({ nodeId }) => nodeId));
    });
    for (const nodeId of ['a', 'b']) {
      const { tx, commit } = createTransaction();
      await dispatch.offer(tx, [offerOf(nodeId)]);
      commit();
      await Promise.resolve();
    }
    expect(claimed).toEqual([['a'], ['b']]);
  });
});
