import { describe, expect, test } from 'vitest';
import { agingMsPerPoint, inStartOrder } from '../../../src/scheduler/start-order.ts';
import type { Shares } from '../../../src/scheduler/fair-share.ts';
import type { Offer } from '../../../src/scheduler/effect.ts';
import { hostOf } from '../../fakes/makespan.ts';
import { offerOf } from './offers.ts';
import type { Candidate, Queue } from '../../../src/scheduler/start-order.ts';

/** All that is offered, in start order. */
function candidatesOf(queue: Queue): readonly Candidate[] {
  return [...inStartOrder(queue)];
}

function orderOf(offers: readonly Offer[], cores = 4): string {
  return candidatesOf({ offers, capacity: hostOf(cores), nowMs: 0 })
    .map(({ offer }) => offer.nodeId)
    .join(' ');
}

describe('the start order', () => {
  test('puts a higher priority before all else', () => {
    const offers = [
      offerOf('old', 1, { jobId: 'a', priority: 0, jobCreatedAtMs: 0 }),
      offerOf('urgent', 5000, { jobId: 'b', priority: 1, jobCreatedAtMs: 90_000 }),
      offerOf('idle', 1, { jobId: 'c', priority: -1, jobCreatedAtMs: 0 }),
    ];
    expect(orderOf(offers)).toBe('urgent old idle');
  });

  test('puts the job that is nearly finished before one with much left', () => {
    const offers = [
      offerOf('half-way', 10, { jobId: 'a', jobRemainingSec: 400 }),
      offerOf('nearly', 10, { jobId: 'b', jobRemainingSec: 12 }),
    ];
    expect(orderOf(offers)).toBe('nearly half-way');
  });

  test('puts a large job before all small ones that come later than it is due', () => {
    // 400 core-seconds on 4 cores: due 4 × 100 s after its creation.
    const large = offerOf('large', 10, { jobId: 'large', jobRemainingSec: 400 });
    const small = (atMs: number) =>
      offerOf('small', 1, { jobId: 'small', jobRemainingSec: 4, jobCreatedAtMs: atMs });
    expect(orderOf([large, small(395_999)])).toBe('small large');
    expect(orderOf([large, small(396_001)])).toBe('large small');
  });

  test('knows what is left of a job by the newest of its offers', () => {
    const offers = [
      offerOf('a', 1, { jobId: 'a', jobRemainingSec: 500 }),
      offerOf('b', 1, { jobId: 'b', jobRemainingSec: 300 }),
      offerOf('a2', 1, { jobId: 'a', jobRemainingSec: 10 }),
    ];
    expect(orderOf(offers)).toBe('a a2 b');
  });

  test('puts the longest chain of a job first', () => {
    const offers = [
      offerOf('thumbnail', 2, { tailSec: 1 }),
      offerOf('audio', 2, { tailSec: 30 }),
      offerOf('transcode', 20, { tailSec: 1 }),
    ];
    expect(orderOf(offers)).toBe('audio transcode thumbnail');
  });

  test('measures a chain in time on this host, not in work', () => {
    const offers = [
      offerOf('wide', 40, { coresMax: 8 }),
      offerOf('narrow', 12, { coresMax: 1 }),
      offerOf('wide-tail', 1, { tailSec: 40, tailSpanSec: 5 }),
    ];
    expect(orderOf(offers, 8)).toBe('narrow wide-tail wide');
    expect(orderOf(offers, 2)).toBe('wide-tail wide narrow');
  });

  test('decides ties by the older job, then by the ids, never by the order of arrival', () => {
    const offers = [
      offerOf('b', 1, { jobId: 'y' }),
      offerOf('a', 1, { jobId: 'y' }),
      offerOf('c', 1, { jobId: 'x' }),
      offerOf('older', 1, { jobId: 'z', jobCreatedAtMs: -4, jobRemainingSec: 1.004 }),
    ];
    expect(orderOf(offers)).toBe('older c a b');
    expect(orderOf(offers.toReversed())).toBe('older c a b');
  });

  test('cuts what an offer asks for to what the host has', () => {
    const [candidate] = candidatesOf({
      offers: [offerOf('a', 1, { coresMin: 16, coresMax: 32 })],
      capacity: hostOf(4),
      nowMs: 0,
    });
    expect(candidate?.demand).toMatchObject({ coresMin: 4, coresMax: 4 });
    expect(candidate?.offer.estimate.demand.coresMin).toBe(16);
  });

  test('of no offers is empty', () => {
    expect(candidatesOf({ offers: [], capacity: hostOf(1), nowMs: 0 })).toEqual([]);
  });
});

describe('waiting', () => {
  /** The order at a time, of a high-priority offer that has just come and a low one of time 0. */
  const orderAt = (nowMs: number, priority: number): string => {
    const offers = [
      offerOf('new', 1, { jobId: 'new', priority, readyAtMs: nowMs, jobCreatedAtMs: nowMs }),
      offerOf('old', 1, { jobId: 'old', priority: -50, readyAtMs: 0 }),
    ];
    return candidatesOf({ offers, capacity: hostOf(4), nowMs })
      .map(({ offer }) => offer.nodeId)
      .join(' ');
  };

  test('is worth a point of priority a minute', () => {
    expect(agingMsPerPoint).toBe(60_000);
    expect(orderAt(99 * 60_000, 50)).toBe('new old');
    expect(orderAt(100 * 60_000, 50)).toBe('old new');
    expect(orderAt(149 * 60_000, 100)).toBe('new old');
    expect(orderAt(150 * 60_000, 100)).toBe('old new');
  });

  test('makes an offer one among the higher ones, not one before them', () => {
    const nowMs = 60 * 60_000;
    const offers = [
      offerOf('old-long', 4000, { jobId: 'a', priority: 0, readyAtMs: 0 }),
      offerOf('new-short', 4, {
        jobId: 'b',
        priority: 50,
        jobCreatedAtMs: nowMs,
        readyAtMs: nowMs,
      }),
      offerOf('new-endless', 9000, { jobId: 'c', priority: 50, jobCreatedAtMs: nowMs }),
    ];
    const candidates = candidatesOf({ offers, capacity: hostOf(4), nowMs });
    expect(candidates.map(({ priority }) => priority)).toEqual([50, 50, 50]);
    // By their due times: 4000 s, an hour and 4 s, an hour and 9000 s.
    expect(candidates.map(({ offer }) => offer.nodeId)).toEqual([
      'new-short',
      'old-long',
      'new-endless',
    ]);
  });

  test('takes no effect by a clock that is set back', () => {
    const offers = [
      offerOf('later', 1, { readyAtMs: 9e9, priority: 1 }),
      offerOf('now', 1, { readyAtMs: 0 }),
    ];
    expect(orderOf(offers)).toBe('later now');
  });
});

describe('tenants', () => {
  const sharesOf = (tags: Readonly<Record<string, number>>, weights = {}) => ({
    usage: { presentTag: 0, tags: new Map(Object.entries(tags)) },
    weights: new Map<string, number>(Object.entries(weights)),
  });

  const many = (tenant: string, count: number, seconds = 10) =>
    Array.from({ length: count }, (_, index) =>
      offerOf(`${tenant}${index}`, seconds, { jobId: `${tenant}-${index}`, tenant }),
    );

  const turns = (offers: readonly Offer[], shares: Shares): string =>
    candidatesOf({ offers, capacity: hostOf(4), nowMs: 0, shares })
      .map(({ offer }) => offer.nodeId)
      .join(' ');

  test('take turns by what they were served', () => {
    const offers = [...many('a', 3), ...many('b', 3)];
    expect(turns(offers, sharesOf({}))).toBe('a0 b0 a1 b1 a2 b2');
    expect(turns(offers, sharesOf({ a: 15 }))).toBe('b0 b1 a0 b2 a1 a2');
  });

  test('take turns by core-seconds, not by nodes', () => {
    const offers = [...many('a', 2, 40), ...many('b', 5, 10)];
    expect(turns(offers, sharesOf({}))).toBe('b0 a0 b1 b2 b3 b4 a1');
  });

  test('take more turns with a larger weight', () => {
    const offers = [...many('a', 6), ...many('b', 2)];
    expect(turns(offers, sharesOf({}, { a: 3 }))).toBe('a0 b0 a1 a2 a3 b1 a4 a5');
  });

  test('do not change what priorities are for', () => {
    const urgent = offerOf('urgent', 900, { jobId: 'z', tenant: 'a', priority: 1 });
    const offers = [urgent, ...many('a', 1), ...many('b', 1)];
    expect(turns(offers, sharesOf({ a: 9000 }))).toBe('urgent b0 a0');
  });
});
