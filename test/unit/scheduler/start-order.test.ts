import { describe, expect, test } from 'vitest';
import { inStartOrder } from '../../../src/scheduler/start-order.ts';
import type { Offer } from '../../../src/scheduler/effect.ts';
import { hostOf } from '../../fakes/makespan.ts';
import { offerOf } from './offers.ts';

function orderOf(offers: readonly Offer[], cores = 4): string {
  return inStartOrder({ offers, capacity: hostOf(cores), nowMs: 0 })
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
    const [candidate] = inStartOrder({
      offers: [offerOf('a', 1, { coresMin: 16, coresMax: 32 })],
      capacity: hostOf(4),
      nowMs: 0,
    });
    expect(candidate?.demand).toMatchObject({ coresMin: 4, coresMax: 4 });
    expect(candidate?.offer.estimate.demand.coresMin).toBe(16);
  });

  test('of no offers is empty', () => {
    expect(inStartOrder({ offers: [], capacity: hostOf(1), nowMs: 0 })).toEqual([]);
  });
});
