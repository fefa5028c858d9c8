import { describe, expect, test } from 'vitest';
import { chooseCores } from '../../../src/scheduler/choose-cores.ts';
import type { CoreOutlook, Rival } from '../../../src/scheduler/choose-cores.ts';
import type { Release } from '../../../src/scheduler/forecast.ts';
import { inStartOrder } from '../../../src/scheduler/start-order.ts';
import type { Candidate } from '../../../src/scheduler/start-order.ts';
import { required } from '../../../src/base/assert.ts';
import { hostOf } from '../../fakes/makespan.ts';
import { offerOf } from './offers.ts';
import type { OfferDetails } from './offers.ts';

function candidateOf(coreSeconds: number, details: OfferDetails = {}, cores = 4): Candidate {
  const offers = [offerOf('a', coreSeconds, details)];
  return required([...inStartOrder({ offers, capacity: hostOf(cores), nowMs: 0 })][0], 'it');
}

function rivalOf(coreSeconds: number, details: OfferDetails = {}): Rival {
  const { forecast, demand } = candidateOf(coreSeconds, details);
  return { forecast, coresMin: demand.coresMin };
}

/** A host of four free cores with nothing else to do. */
function outlookOf(changes: Partial<CoreOutlook> = {}): CoreOutlook {
  return { cores: 4, freeCores: 4, releases: [], rivals: [], horizonSec: 0, ...changes };
}

/** An attempt that lets go of cores, with nothing behind it. */
function releaseOf(cores: number, inSec: number, tailSec = 0): Release {
  return { cores, inSec, tailSec, tailCores: 1 };
}

describe('a node on a host with nothing else to do', () => {
  test('gets every core that it can use', () => {
    expect(chooseCores(candidateOf(40, { coresMax: 8 }), outlookOf())).toEqual({
      cores: 4,
      inSec: 0,
    });
    expect(chooseCores(candidateOf(40, { coresMax: 3 }), outlookOf())).toEqual({
      cores: 3,
      inSec: 0,
    });
  });

  test('gets the cores that are free', () => {
    const choice = chooseCores(candidateOf(40, { coresMax: 4 }), outlookOf({ freeCores: 2 }));
    expect(choice).toEqual({ cores: 2, inSec: 0 });
  });
});

describe('a node beside a chain that wants cores', () => {
  const rivals = [rivalOf(10, { tailSec: 30 })];

  test('leaves it a core when all ends earlier so', () => {
    // On four cores it ends after 10 s and the chain after 50; on three after 13.3 and 40.
    expect(chooseCores(candidateOf(40, { coresMax: 4 }), outlookOf({ rivals }))).toEqual({
      cores: 3,
      inSec: 0,
    });
  });

  test('leaves as many cores as others can use when the work would fill the host anyway', () => {
    // Wide work costs more in all, so side by side all of it ends earlier; but no core stays idle.
    const outlook = outlookOf({ rivals, horizonSec: 100 });
    expect(chooseCores(candidateOf(40, { coresMax: 4 }), outlook)).toEqual({ cores: 3, inSec: 0 });
    const many = [rivalOf(10), rivalOf(10, { coresMax: 4 })];
    const crowded = outlookOf({ rivals: many, horizonSec: 100 });
    expect(chooseCores(candidateOf(40, { coresMax: 4 }), crowded)).toEqual({ cores: 1, inSec: 0 });
  });

  test('keeps its cores when narrow it would be the last to end', () => {
    const outlook = outlookOf({ rivals: [rivalOf(2)] });
    expect(chooseCores(candidateOf(80, { coresMax: 4 }), outlook)).toEqual({ cores: 4, inSec: 0 });
  });

  test('leaves it as many cores as it needs at least', () => {
    const wide = [rivalOf(10, { coresMin: 2, coresMax: 2, tailSec: 30 })];
    const choice = chooseCores(candidateOf(100, { coresMax: 4 }), outlookOf({ rivals: wide }));
    expect(choice).toEqual({ cores: 2, inSec: 0 });
  });

  test('keeps its cores when it cannot leave as many as the chain needs', () => {
    const wide = [rivalOf(10, { coresMin: 4, coresMax: 4, tailSec: 30 })];
    const choice = chooseCores(candidateOf(100, { coresMax: 4 }), outlookOf({ rivals: wide }));
    expect(choice).toEqual({ cores: 4, inSec: 0 });
  });

  test('keeps its cores when the chain has to wait for its end anyway', () => {
    const behind = [{ ...rivalOf(10, { tailSec: 30 }), coresMin: Infinity }];
    const choice = chooseCores(candidateOf(100, { coresMax: 4 }), outlookOf({ rivals: behind }));
    expect(choice).toEqual({ cores: 4, inSec: 0 });
  });

  test('leaves a core to what follows an attempt that ends in a moment', () => {
    const outlook = outlookOf({ cores: 2, freeCores: 2, releases: [releaseOf(0, 0.5, 60)] });
    expect(chooseCores(candidateOf(60, { coresMax: 2 }, 2), outlook)).toEqual({
      cores: 1,
      inSec: 0,
    });
  });

  test('never gets less than it needs', () => {
    const candidate = candidateOf(40, { coresMin: 4, coresMax: 4 });
    expect(chooseCores(candidate, outlookOf({ rivals }))).toEqual({ cores: 4, inSec: 0 });
  });
});

describe('a long node on the last free cores', () => {
  const long = candidateOf(400, { coresMax: 4 });

  test('waits for cores that come free soon', () => {
    const outlook = outlookOf({ freeCores: 1, releases: [releaseOf(3, 5)] });
    expect(chooseCores(long, outlook)).toEqual({ cores: 4, inSec: 5 });
  });

  test('waits for the release with which it ends earliest, not for the first', () => {
    const releases = [releaseOf(1, 5), releaseOf(2, 6)];
    expect(chooseCores(long, outlookOf({ freeCores: 1, releases }))).toEqual({
      cores: 4,
      inSec: 6,
    });
  });

  test('waits for at most half of what it would take on the free ones', () => {
    const outlook = (inSec: number) => outlookOf({ freeCores: 1, releases: [releaseOf(3, inSec)] });
    expect(chooseCores(long, outlook(200)).inSec).toBe(200);
    expect(chooseCores(long, outlook(200.1))).toEqual({ cores: 1, inSec: 0 });
  });

  test('does not wait for what gains less than a hundredth', () => {
    const outlook = (inSec: number) => outlookOf({ freeCores: 3, releases: [releaseOf(1, inSec)] });
    expect(chooseCores(long, outlook(31)).inSec).toBe(31);
    expect(chooseCores(long, outlook(32.5))).toEqual({ cores: 3, inSec: 0 });
  });

  test('does not wait when the host has work for all its cores', () => {
    const outlook = outlookOf({ freeCores: 1, releases: [releaseOf(3, 5)], horizonSec: 500 });
    expect(chooseCores(long, outlook)).toEqual({ cores: 1, inSec: 0 });
  });

  test('does not wait when the cores that idle meanwhile cost the host more', () => {
    const outlook = (horizonSec: number) =>
      outlookOf({ freeCores: 2, releases: [releaseOf(2, 60)], horizonSec });
    // 200 s on two cores now, or 160 s with the wait, in which 120 core-seconds idle.
    expect(chooseCores(long, outlook(100)).inSec).toBe(60);
    expect(chooseCores(long, outlook(180))).toEqual({ cores: 2, inSec: 0 });
  });

  test('is not in the way of a chain that goes on before it starts', () => {
    const releases = [releaseOf(1, 5, 120), releaseOf(2, 6)];
    const choice = chooseCores(
      candidateOf(150, { coresMax: 4 }),
      outlookOf({ freeCores: 1, releases }),
    );
    expect(choice).toEqual({ cores: 4, inSec: 6 });
  });
});
