import { once, EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { Dispatch, Lease } from '../../../src/dispatch/dispatch.ts';
import type { Offer } from '../../../src/scheduler/effect.ts';
import type { Store } from '../../../src/store/store.ts';
import { offerOf } from './sample-offers.ts';

/** A kind of dispatcher, as the suite needs it. */
export interface DispatchHarness {
  readonly name: string;
  /** A dispatcher with the real store whose transactions it takes part in; its owner disposes. */
  open(): Promise<AsyncDisposable & { readonly dispatch: Dispatch; readonly store: Store }>;
}

/** What every dispatcher promises; run against each adapter. */
export function describeDispatch(harness: DispatchHarness): void {
  describe(`${harness.name}: offers`, () => {
    test('are claimed once', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'), offerOf('b'));
      expect(bench.claim('a')).toEqual(['a']);
      expect(bench.claimAll()).toEqual(['b']);
      expect(bench.claimAll()).toEqual([]);
    });

    test('are shown as they were made, oldest first, and stay when they are not chosen', async () => {
      await using bench = await openBench(harness);
      const offers = [offerOf('b', { priority: 5 }), offerOf('a'), offerOf('c')];
      await bench.offer(...offers);
      for (let round = 0; round < 2; round += 1) {
        const seen = bench.see();
        expect(seen).toEqual(offers);
      }
      expect(await bench.dispatch.pendingCount()).toBe(3);
    });

    test('of one transaction become visible together, after its commit', async () => {
      await using bench = await openBench(harness);
      await bench.store.transaction(async (tx) => {
        await bench.dispatch.offer(tx, [offerOf('a'), offerOf('b')]);
        await bench.dispatch.offer(tx, [offerOf('c')]);
        expect(bench.see()).toEqual([]);
        expect(await bench.dispatch.pendingCount()).toBe(0);
      });
      await bench.ready();
      expect(bench.claimAll()).toEqual(['a', 'b', 'c']);
    });

    test('of a rolled-back transaction never were', async () => {
      await using bench = await openBench(harness);
      const attempt = bench.store.transaction(async (tx) => {
        await bench.dispatch.offer(tx, [offerOf('a')]);
        throw new Error('rolled back');
      });
      await expect(attempt).rejects.toThrow('rolled back');
      await bench.offer(offerOf('b'));
      expect(bench.claimAll()).toEqual(['b']);
      expect(bench.announcements()).toBe(1);
    });

    test('take the place of an older one of the same node', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a', { attempt: 1 }));
      await bench.offer(offerOf('a', { attempt: 2 }));
      expect(bench.see()).toEqual([offerOf('a', { attempt: 2 })]);
    });

    test('are not lost when the choice fails', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'));
      const claim = () =>
        bench.dispatch.claim(() => {
          throw new Error('no choice');
        });
      expect(claim).toThrow('no choice');
      expect(bench.claimAll()).toEqual(['a']);
    });

    test('that were never made cannot be claimed', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a', { attempt: 2 }));
      for (const lease of [leaseOf('a', 1), leaseOf('b', 1)]) {
        expect(() => bench.dispatch.claim(() => [lease])).toThrow('not offered');
      }
      expect(bench.see()).toHaveLength(1);
    });
  });

  describe(`${harness.name}: withdrawing`, () => {
    test('takes back one node, or all of a job, and nothing of other jobs', async () => {
      await using bench = await openBench(harness);
      const other = offerOf('a', { jobId: 'other' });
      await bench.offer(offerOf('a'), offerOf('b'), offerOf('c'), other);
      await bench.store.transaction((tx) => bench.dispatch.withdraw(tx, 'job', 'b'));
      expect(bench.see().map(({ nodeId }) => nodeId)).toEqual(['a', 'c', 'a']);
      await bench.store.transaction((tx) => bench.dispatch.withdraw(tx, 'job'));
      expect(bench.see()).toEqual([other]);
    });

    test('takes nothing back when its transaction is rolled back', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'));
      const attempt = bench.store.transaction(async (tx) => {
        await bench.dispatch.withdraw(tx, 'job');
        throw new Error('rolled back');
      });
      await expect(attempt).rejects.toThrow('rolled back');
      expect(bench.claimAll()).toEqual(['a']);
    });

    test('fences a lease on the node', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'), offerOf('b'));
      bench.claimAll();
      await bench.store.transaction((tx) => bench.dispatch.withdraw(tx, 'job', 'a'));
      expect(await bench.settle(leaseOf('a'))).toBe(false);
      expect(await bench.settle(leaseOf('b'))).toBe(true);
    });

    test('and offering in one transaction happen in that order', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a', { attempt: 1 }));
      await bench.store.transaction(async (tx) => {
        await bench.dispatch.withdraw(tx, 'job');
        await bench.dispatch.offer(tx, [offerOf('a', { attempt: 2 })]);
      });
      expect(bench.see()).toEqual([offerOf('a', { attempt: 2 })]);
    });
  });

  describe(`${harness.name}: leases`, () => {
    test('are settled once', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'));
      bench.claimAll();
      expect(await bench.settle(leaseOf('a'))).toBe(true);
      expect(await bench.settle(leaseOf('a'))).toBe(false);
    });

    test('are not settled by a transaction that is rolled back', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'));
      bench.claimAll();
      const attempt = bench.store.transaction(async (tx) => {
        expect(await bench.dispatch.settle(tx, leaseOf('a'))).toBe(true);
        throw new Error('rolled back');
      });
      await expect(attempt).rejects.toThrow('rolled back');
      expect(await bench.settle(leaseOf('a'))).toBe(true);
    });

    test('exist only for what was claimed', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'));
      expect(await bench.settle(leaseOf('a'))).toBe(false);
      expect(await bench.settle(leaseOf('never-heard-of'))).toBe(false);
    });

    test('of an attempt are fenced by a newer offer of the node', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a', { attempt: 1 }));
      bench.claimAll();
      await bench.offer(offerOf('a', { attempt: 2 }));
      expect(await bench.settle(leaseOf('a', 1))).toBe(false);
      expect(bench.claimAll()).toEqual(['a']);
      expect(await bench.settle(leaseOf('a', 1))).toBe(false);
      expect(await bench.settle(leaseOf('a', 2))).toBe(true);
    });

    test('survive an offer of the same attempt with other figures', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a', { attempt: 1 }));
      bench.claimAll();
      await bench.offer(offerOf('a', { attempt: 1 }), offerOf('b'));
      expect(bench.claimAll()).toEqual(['b']);
      expect(await bench.settle(leaseOf('a', 1))).toBe(true);
    });

    test('that are lost are told when they are renewed', async () => {
      await using bench = await openBench(harness);
      await bench.offer(offerOf('a'), offerOf('b'));
      bench.claimAll();
      const leases = [leaseOf('a'), leaseOf('b')];
      expect(await bench.dispatch.renew(leases)).toEqual([]);
      await bench.store.transaction((tx) => bench.dispatch.withdraw(tx, 'job', 'b'));
      expect(await bench.dispatch.renew(leases)).toEqual([leaseOf('b')]);
    });
  });

  describe(`${harness.name}: listeners`, () => {
    test('are told after the commit only, once for all offers of it', async () => {
      await using bench = await openBench(harness);
      await bench.store.transaction(async (tx) => {
        await bench.dispatch.offer(tx, [offerOf('a')]);
        await bench.dispatch.offer(tx, [offerOf('b')]);
        // A turn of the event loop: a listener that is called too early would be called by now.
        await new Promise(setImmediate);
        expect(bench.announcements()).toBe(0);
      });
      await bench.ready();
      await new Promise(setImmediate);
      expect(bench.announcements()).toBe(1);
    });

    test('find what they are told of', async () => {
      await using bench = await openBench(harness);
      const seen: (readonly Offer[])[] = [];
      bench.dispatch.onReady(() => seen.push(bench.see()));
      await bench.offer(offerOf('a'));
      await bench.offer(offerOf('b'));
      expect(seen).toEqual([[offerOf('a')], [offerOf('a'), offerOf('b')]]);
    });

    test('are told nothing when nothing is offered', async () => {
      await using bench = await openBench(harness);
      await bench.store.transaction((tx) => bench.dispatch.offer(tx, []));
      await bench.store.transaction((tx) => bench.dispatch.withdraw(tx, 'job'));
      await new Promise(setImmediate);
      expect(bench.announcements()).toBe(0);
    });

    test('are told nothing after they left', async () => {
      await using bench = await openBench(harness);
      let calls = 0;
      const leave = bench.dispatch.onReady(() => (calls += 1));
      await bench.offer(offerOf('a'));
      leave();
      await bench.offer(offerOf('b'));
      expect(calls).toBe(1);
    });
  });
}

async function openBench(harness: DispatchHarness) {
  const opened = await harness.open();
  const { dispatch, store } = opened;
  const calls = new EventEmitter();
  let announcements = 0;
  let isReady = false;
  const leave = dispatch.onReady(() => {
    announcements += 1;
    isReady = true;
    calls.emit('ready');
  });
  const ready = async () => {
    if (!isReady) await once(calls, 'ready');
    isReady = false;
  };
  const take = (isWanted: (offer: Offer) => boolean) =>
    dispatch.claim((offers) => offers.filter(isWanted)).map(({ nodeId }) => nodeId);
  return {
    dispatch,
    store,
    ready,
    announcements: () => announcements,
    /** Offers in a transaction and waits for the announcement. */
    async offer(...offers: readonly Offer[]): Promise<void> {
      await store.transaction((tx) => dispatch.offer(tx, offers));
      await ready();
    },
    claim: (nodeId: string) => take((offer) => offer.nodeId === nodeId),
    claimAll: () => take(() => true),
    /** Looks at the offers and takes none. */
    see(): readonly Offer[] {
      let seen: readonly Offer[] = [];
      dispatch.claim((offers) => {
        seen = offers;
        return [];
      });
      return seen;
    },
    settle: (lease: Lease) => store.transaction((tx) => dispatch.settle(tx, lease)),
    async [Symbol.asyncDispose](): Promise<void> {
      leave();
      await opened[Symbol.asyncDispose]();
    },
  };
}

function leaseOf(nodeId: string, attempt = 1): Lease {
  return { jobId: 'job', nodeId, attempt };
}
