import { describe, expect, test } from 'vitest';
import { forecastOf, releaseOf } from '../../../src/scheduler/forecast.ts';
import { estimateOf } from '../../fakes/plans.ts';
import { offerOf } from './offers.ts';

describe('the forecast of an offer', () => {
  test('splits the path to the job’s end into the node and what follows it', () => {
    const offer = offerOf('a', 12, { coresMax: 4, tailSec: 10, tailSpanSec: 5 });
    expect(forecastOf(offer)).toEqual({
      jobId: 'job',
      workSec: 12,
      coresMax: 4,
      tailSec: 10,
      tailCores: 2,
    });
  });

  test('of a last node has no tail', () => {
    expect(forecastOf(offerOf('a', 12, { coresMax: 4 }))).toMatchObject({
      tailSec: 0,
      tailCores: 1,
    });
  });

  test('never counts on less than one core, nor on less than no tail', () => {
    const offer = { ...offerOf('a', 12), remainingPathSec: 11, remainingSpanSec: 20 };
    expect(forecastOf(offer)).toMatchObject({ tailSec: 0, tailCores: 1 });
  });

  test('of work without cores takes its time as it is', () => {
    const offer = offerOf('a', 3, { coresMin: 0, coresMax: 0, ioSlots: 1, tailSec: 4 });
    expect(forecastOf(offer)).toMatchObject({ workSec: 3, coresMax: 0, tailSec: 4, tailCores: 1 });
    expect(offer.estimate).toEqual(estimateOf(3, { coresMin: 0, coresMax: 0, ioSlots: 1 }));
  });
});

describe('the release of a running attempt’s cores', () => {
  const forecast = { jobId: 'job', workSec: 20, coresMax: 4, tailSec: 6, tailCores: 3 };

  test('comes when its work is done on the cores it has', () => {
    expect(releaseOf({ cores: 2, elapsedSec: 4, forecast })).toEqual({
      inSec: 6,
      cores: 2,
      tailSec: 6,
      tailCores: 3,
    });
  });

  test('of an attempt that is nearly or over due comes after another tenth of its time', () => {
    expect(releaseOf({ cores: 2, elapsedSec: 9.5, forecast })?.inSec).toBeCloseTo(0.95);
    expect(releaseOf({ cores: 2, elapsedSec: 20, forecast })?.inSec).toBe(2);
  });

  test('is unknown after twice its time and a second', () => {
    expect(releaseOf({ cores: 2, elapsedSec: 21, forecast })?.inSec).toBeCloseTo(2.1);
    expect(releaseOf({ cores: 2, elapsedSec: 21.001, forecast })).toBeUndefined();
  });

  test('of an attempt without cores frees none', () => {
    expect(releaseOf({ cores: 0, elapsedSec: 0, forecast })).toMatchObject({ inSec: 20, cores: 0 });
  });
});
