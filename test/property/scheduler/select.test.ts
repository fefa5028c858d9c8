import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clampDemand, fits, leastReservation, overlap } from '../../../src/resources/budget.ts';
import { remaining, subtract } from '../../../src/resources/budget.ts';
import type { Capacity, Demand } from '../../../src/resources/demand.ts';
import type { Offer } from '../../../src/scheduler/effect.ts';
import type { Shares } from '../../../src/scheduler/fair-share.ts';
import { backfillMsMax, decide, select, suspectLostCount } from '../../../src/scheduler/select.ts';
import type { RunningStart, Selection, Start } from '../../../src/scheduler/select.ts';
import { agingMsPerPoint, inStartOrder } from '../../../src/scheduler/start-order.ts';
import type { Candidate, Queue } from '../../../src/scheduler/start-order.ts';

const runs = { numRuns: 1000 };

/** All that is offered, in start order. */
function candidatesOf(queue: Queue): readonly Candidate[] {
  return [...inStartOrder(queue)];
}

const resources = ['cores', 'memoryBytes', 'ioSlots', 'gpus'] as const;

const hosts: fc.Arbitrary<Capacity> = fc.record({
  cores: fc.constantFrom(1, 2, 2.5, 3, 4, 8, 16),
  memoryBytes: fc.integer({ min: 1, max: 20 }),
  ioSlots: fc.integer({ min: 1, max: 4 }),
  gpus: fc.integer({ min: 0, max: 2 }),
});

const demands: fc.Arbitrary<Demand> = fc
  .record({
    coresMin: fc.constantFrom(0, 0, 1, 1, 1, 2, 4, 20),
    more: fc.integer({ min: 0, max: 8 }),
    memoryBytes: fc.integer({ min: 0, max: 25 }),
    ioSlots: fc.constantFrom(0, 0, 1, 2, 9),
    gpus: fc.constantFrom(0, 0, 0, 1, 3),
  })
  .map(({ more, ...demand }) => ({ ...demand, coresMax: demand.coresMin + more }));

const seconds = fc.integer({ min: 1, max: 200 });

const offers: fc.Arbitrary<readonly Offer[]> = fc
  .array(
    fc.record({
      demand: demands,
      coreSeconds: seconds,
      tailSec: fc.integer({ min: 0, max: 200 }),
      tailCores: fc.integer({ min: 1, max: 4 }),
      jobIndex: fc.nat(3),
      tenant: fc.constantFrom('a', 'a', 'b'),
      lostCount: fc.constantFrom(0, 0, 0, 1, 2),
      priority: fc.constantFrom(-1, 0, 0, 0, 1),
      jobCreatedAtMs: fc.nat(20_000),
      readyAtMs: fc.nat(100_000),
    }),
    { maxLength: 12 },
  )
  .map((drawn) =>
    drawn.map(({ demand, coreSeconds, tailSec, tailCores, jobIndex, ...rest }, index) => ({
      ...rest,
      jobId: `job-${jobIndex}`,
      nodeId: `n${index}`,
      attempt: 1,
      estimate: { demand, coreSeconds },
      remainingPathSec: coreSeconds + tailSec,
      remainingSpanSec: coreSeconds / Math.max(1, demand.coresMax) + tailSec / tailCores,
      jobRemainingSec: coreSeconds + tailSec,
    })),
  );

const shares: fc.Arbitrary<Shares> = fc.record({
  usage: fc.record({
    presentTag: fc.integer({ min: 0, max: 500 }),
    tags: fc
      .dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -300, max: 900 }))
      .map((tags) => new Map(Object.entries(tags))),
  }),
  weights: fc
    .dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 100 }))
    .map((weights) => new Map(Object.entries(weights))),
});

/** What runs came to run by decisions of earlier rounds, so it never holds more than the host has. */
const selections: fc.Arbitrary<Selection> = fc
  .record({
    capacity: hosts,
    earlier: offers,
    now: offers,
    keep: fc.array(fc.boolean()),
    shares: fc.option(shares, { nil: undefined }),
  })
  .chain(({ capacity, earlier, now, keep, shares: drawn }) => {
    const starts = select({ offers: earlier, running: [], capacity, nowMs: 0 });
    const running = starts
      .filter((_start, index) => keep[index] !== false)
      .map(({ reservation, forecast, isSuspect }): RunningStart => ({
        reservation,
        forecast,
        isSuspect,
        startedAtMs: 0,
      }));
    return fc.nat(100_000).map((nowMs) => ({
      offers: now,
      running,
      capacity,
      nowMs,
      ...(drawn !== undefined && { shares: drawn }),
    }));
  });

/** A long node that wants more cores than are free, short ones behind it, and cores that come free. */
const waits: fc.Arbitrary<Selection> = fc
  .record({
    freeCores: fc.integer({ min: 1, max: 3 }),
    releases: fc.array(fc.record({ cores: fc.integer({ min: 1, max: 4 }), inSec: seconds }), {
      minLength: 1,
      maxLength: 3,
    }),
    longSec: fc.integer({ min: 500, max: 5000 }),
    behind: offers,
  })
  .map(({ freeCores, releases, longSec, behind }) => {
    const running = releases.map(({ cores, inSec }): RunningStart => ({
      reservation: { cores, memoryBytes: 0, ioSlots: 0, gpus: 0 },
      forecast: {
        jobId: 'other',
        workSec: (cores * inSec) / 8,
        coresMax: cores,
        tailSec: 0,
        tailCores: 1,
      },
      startedAtMs: 0,
    }));
    const cores = freeCores + running.reduce((sum, each) => sum + each.reservation.cores, 0);
    const long: Offer = {
      jobId: 'long',
      nodeId: 'long',
      attempt: 1,
      tenant: 'a',
      priority: 100,
      jobCreatedAtMs: 0,
      readyAtMs: 0,
      estimate: {
        demand: { coresMin: 1, coresMax: 16, memoryBytes: 0, ioSlots: 0, gpus: 0 },
        coreSeconds: longSec,
      },
      remainingPathSec: longSec,
      remainingSpanSec: longSec / 16,
      jobRemainingSec: longSec,
    };
    const capacity = { cores, memoryBytes: 20, ioSlots: 4, gpus: 1 };
    return { offers: [...behind, long], running, capacity, nowMs: 0 };
  });

function leftBy(selection: Selection, starts: readonly Start[]): Capacity {
  const held = [...selection.running, ...starts].map(({ reservation }) => reservation);
  return remaining(selection.capacity, held);
}

function isStarted(starts: readonly Start[], { nodeId }: Offer): boolean {
  return starts.some((start) => start.nodeId === nodeId);
}

/** Whether it waits for the end of another suspect. */
function isBarred(selection: Selection, starts: readonly Start[], offer: Offer): boolean {
  const isOther = [...selection.running, ...starts].some(({ isSuspect }) => isSuspect === true);
  return (offer.lostCount ?? 0) >= suspectLostCount && isOther;
}

/** When a running node ends by its estimate, in seconds. */
function endSec({ forecast, reservation }: RunningStart): number {
  return (forecast?.workSec ?? Infinity) / reservation.cores;
}

describe('the starts', () => {
  test('never hold more than the host has, of any resource', () => {
    fc.assert(
      fc.property(selections, (selection) => {
        const held = [...selection.running, ...select(selection)];
        for (const resource of resources) {
          const sum = held.reduce((total, { reservation }) => total + reservation[resource], 0);
          expect(sum).toBeLessThanOrEqual(selection.capacity[resource]);
        }
      }),
      runs,
    );
  });

  test('hold what their node asks of this host, on a whole number of cores that it can use', () => {
    fc.assert(
      fc.property(selections, (selection) => {
        for (const { nodeId, attempt, jobId, reservation } of select(selection)) {
          const offer = selection.offers.find((each) => each.nodeId === nodeId)!;
          expect({ attempt, jobId }).toEqual({ attempt: offer.attempt, jobId: offer.jobId });
          const demand = clampDemand(offer.estimate.demand, selection.capacity);
          const { cores, ...rest } = reservation;
          const { cores: _cores, ...least } = leastReservation(demand);
          expect(rest).toEqual(least);
          expect(Number.isInteger(cores)).toBe(true);
          expect(cores).toBeGreaterThanOrEqual(demand.coresMin);
          expect(cores).toBeLessThanOrEqual(demand.coresMax);
          // Work that wants cores is never started on none while it could have had one.
          if (demand.coresMin > 0) expect(cores).toBeGreaterThan(0);
        }
      }),
      runs,
    );
  });

  test('are each of an offer, once', () => {
    fc.assert(
      fc.property(selections, (selection) => {
        const ids = select(selection).map(({ nodeId }) => nodeId);
        expect(new Set(ids).size).toBe(ids.length);
        expect(selection.offers.map(({ nodeId }) => nodeId)).toEqual(expect.arrayContaining(ids));
      }),
      runs,
    );
  });

  test('do not depend on the order in which offers and running nodes are given', () => {
    fc.assert(
      fc.property(selections, (selection) => {
        const turned = {
          ...selection,
          offers: selection.offers.toReversed(),
          running: selection.running.toReversed(),
        };
        expect(decide(turned)).toEqual(decide(selection));
      }),
      runs,
    );
  });

  test('include the first offer on an idle host, however large it is: there is no deadlock', () => {
    fc.assert(
      fc.property(
        hosts,
        offers.filter((some) => some.length > 0),
        fc.nat(100_000),
        (capacity, some, nowMs) => {
          const { starts } = decide({ offers: some, running: [], capacity, nowMs });
          expect(starts[0]?.nodeId).toBe(
            candidatesOf({ offers: some, capacity, nowMs })[0]?.offer.nodeId,
          );
        },
      ),
      runs,
    );
  });
});

describe('an offer that is left out', () => {
  test('finds no room, unless an older one waits for it or a node waits for cores', () => {
    let [leftOut, kept] = [0, 0];
    fc.assert(
      fc.property(selections, (selection) => {
        const { starts, reconsiderAtMs } = decide(selection);
        let budget = leftBy(selection, starts);
        for (const { offer, demand } of candidatesOf(selection)) {
          if (isStarted(starts, offer) || isBarred(selection, starts, offer)) continue;
          leftOut += 1;
          const least = leastReservation(demand);
          // The wait keeps cores from what wants some, and nothing from what wants none.
          if (reconsiderAtMs === undefined || demand.coresMax === 0) {
            expect(fits(least, budget)).toBe(false);
          }
          if (fits(least, budget)) continue;
          if (selection.nowMs - offer.readyAtMs <= backfillMsMax) continue;
          kept += 1;
          budget = subtract(budget, overlap(least, budget));
        }
      }),
      runs,
    );
    // The property is about something.
    for (const count of [leftOut, kept]) expect(count).toBeGreaterThan(runs.numRuns / 20);
  });

  test('while a node waits for cores is one that the wait is too short for', () => {
    let waited = 0;
    fc.assert(
      fc.property(waits, (selection) => {
        const { starts, reconsiderAtMs } = decide(selection);
        // Now and then it is one of those behind that waits.
        const isLongWaiting = starts.every(({ nodeId }) => nodeId !== 'long');
        if (reconsiderAtMs === undefined || !isLongWaiting) return;
        waited += 1;
        const left = leftBy(selection, starts);
        const endsMs = selection.running.map((each) => Math.ceil(endSec(each) * 1000));
        expect(endsMs).toContain(reconsiderAtMs);
        // What is left out beside it would hold the cores for longer.
        for (const candidate of candidatesOf(selection)) {
          const { offer, demand, forecast } = candidate;
          if (offer.nodeId === 'long' || isStarted(starts, offer) || demand.coresMax === 0)
            continue;
          if (isBarred(selection, starts, offer)) continue;
          if (!fits(leastReservation(demand), left)) continue;
          const cores = Math.min(demand.coresMax, Math.floor(left.cores));
          const workMs = (forecast.workSec / Math.max(1, cores)) * 1000;
          expect(Math.ceil(workMs)).toBeGreaterThan(reconsiderAtMs);
        }
      }),
      runs,
    );

    expect(waited).toBeGreaterThan(runs.numRuns / 2);
  });

  test('is never passed by one of a lower priority that takes what it could have had', () => {
    fc.assert(
      fc.property(selections, (selection) => {
        const { starts, reconsiderAtMs } = decide(selection);
        if (reconsiderAtMs !== undefined) return;
        const candidates = candidatesOf(selection);
        for (const { offer, priority } of candidates) {
          if (isStarted(starts, offer) || isBarred(selection, starts, offer)) continue;
          const higher = starts.filter(({ nodeId }) => {
            const other = candidates.find((each) => each.offer.nodeId === nodeId)!;
            return other.priority >= priority;
          });
          const demand = clampDemand(offer.estimate.demand, selection.capacity);
          const isAnyOlder = selection.offers.some(
            (each) => selection.nowMs - each.readyAtMs > backfillMsMax,
          );
          if (!isAnyOlder) {
            expect(fits(leastReservation(demand), leftBy(selection, higher))).toBe(false);
          }
        }
      }),
      runs,
    );
  });
});

describe('idle cores', () => {
  test('are all given to a node that can use them when nothing else is offered', () => {
    fc.assert(
      fc.property(hosts, offers, (capacity, some) => {
        const [first] = candidatesOf({ offers: some, capacity, nowMs: 0 });
        fc.pre(first !== undefined);
        const alone = [first.offer];
        const { starts } = decide({ offers: alone, running: [], capacity, nowMs: 0 });
        expect(starts[0]?.reservation.cores).toBe(first.demand.coresMax);
      }),
      runs,
    );
  });
});

/** The offers with what `change` makes of them, and without tenants' shares. */
function withOffers(
  { shares: _shares, ...selection }: Selection,
  change: (offer: Offer) => Offer,
): Selection {
  return { ...selection, offers: selection.offers.map(change) };
}

describe('tenants', () => {
  test('change nothing where there is only one, whatever it was served', () => {
    let started = 0;
    fc.assert(
      fc.property(selections, shares, fc.constantFrom('a', 'new'), (selection, some, tenant) => {
        const alone = withOffers(selection, (offer) => ({ ...offer, tenant }));
        const decision = decide({ ...alone, shares: some });
        expect(decision).toEqual(decide(alone));
        started += decision.starts.length;
      }),
      runs,
    );
    expect(started).toBeGreaterThan(runs.numRuns / 4);
  });

  test('keep the order among their own offers', () => {
    fc.assert(
      fc.property(selections, shares, (selection, some) => {
        const order = (ofTenant: string, queue: Selection) =>
          candidatesOf(queue)
            .filter(({ offer }) => offer.tenant === ofTenant)
            .map(({ offer }) => offer.nodeId);
        const without = withOffers(selection, (offer) => offer);
        for (const tenant of ['a', 'b']) {
          expect(order(tenant, { ...selection, shares: some })).toEqual(order(tenant, without));
        }
      }),
      runs,
    );
  });

  test('never put work of a lower priority before that of a higher one', () => {
    fc.assert(
      fc.property(selections, shares, (selection, some) => {
        const priorities = candidatesOf({ ...selection, shares: some }).map(
          (each) => each.priority,
        );
        expect(priorities).toEqual(priorities.toSorted((one, other) => other - one));
      }),
      runs,
    );
  });
});

describe('waiting', () => {
  test('changes nothing between offers of the same priority', () => {
    fc.assert(
      fc.property(selections, fc.array(fc.nat(10_000_000)), (selection, ages) => {
        const same = withOffers(selection, (offer) => ({ ...offer, priority: 7 }));
        let index = 0;
        const aged = withOffers(same, (offer) => {
          const ageMs = ages[index++] ?? 0;
          return { ...offer, readyAtMs: selection.nowMs - ageMs };
        });
        const order = (queue: Selection) => candidatesOf(queue).map(({ offer }) => offer.nodeId);
        expect(order(aged)).toEqual(order(same));
      }),
      runs,
    );
  });

  test('brings every offer to the highest priority in the end', () => {
    const lateMs = 200 * agingMsPerPoint + 100_000;
    fc.assert(
      fc.property(selections, (selection) => {
        const late = candidatesOf({ ...selection, nowMs: lateMs });
        const highest = Math.max(...selection.offers.map(({ priority }) => priority));
        expect(late.every(({ priority }) => priority === highest)).toBe(true);
      }),
      runs,
    );
  });
});

describe('suspects', () => {
  test('never run two at a time', () => {
    let both = 0;
    fc.assert(
      fc.property(selections, (selection) => {
        const starts = select(selection);
        const isBefore = selection.running.some(({ isSuspect }) => isSuspect === true);
        const begun = starts.filter(({ isSuspect }) => isSuspect).length;
        expect(begun + (isBefore ? 1 : 0)).toBeLessThanOrEqual(1);
        const offered = selection.offers.filter(({ lostCount = 0 }) => lostCount >= 2).length;
        if (offered > 1 || (offered > 0 && isBefore)) both += 1;
      }),
      runs,
    );
    expect(both).toBeGreaterThan(runs.numRuns / 10);
  });
});
