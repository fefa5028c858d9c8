import { describe, expect, test } from 'vitest';
import {
  clampDemand,
  fits,
  leastReservation,
  overlap,
  remaining,
  subtract,
} from '../../../src/resources/budget.ts';
import type { Capacity, Demand, Reservation } from '../../../src/resources/demand.ts';

const host: Capacity = { cores: 4, memoryBytes: 1000, ioSlots: 2, gpus: 1 };

function held(changes: Partial<Reservation> = {}): Reservation {
  return { cores: 0, memoryBytes: 0, ioSlots: 0, gpus: 0, ...changes };
}

function demandOf(changes: Partial<Demand> = {}): Demand {
  return { coresMin: 1, coresMax: 1, memoryBytes: 0, ioSlots: 0, gpus: 0, ...changes };
}

describe('what is left of a host', () => {
  test('is everything while nothing is held', () => {
    expect(remaining(host, [])).toEqual(host);
  });

  test('is what the reservations together leave, of each resource', () => {
    const reservations = [
      held({ cores: 1, memoryBytes: 300 }),
      held({ cores: 2, ioSlots: 1 }),
      held({ gpus: 1 }),
    ];
    expect(remaining(host, reservations)).toEqual({
      cores: 1,
      memoryBytes: 700,
      ioSlots: 1,
      gpus: 0,
    });
  });

  test('is never negative, whatever was promised', () => {
    const all = held({ cores: 9, memoryBytes: 9000, ioSlots: 9, gpus: 9 });
    const nothing = { cores: 0, memoryBytes: 0, ioSlots: 0, gpus: 0 };
    expect(subtract(host, all)).toEqual(nothing);
    expect(remaining(host, [all, held({ cores: 1 })])).toEqual(nothing);
  });

  test('leaves the capacity itself as it is', () => {
    const frozen = Object.freeze({ ...host });
    remaining(frozen, [held({ cores: 2 })]);
    expect(frozen).toEqual(host);
  });
});

describe('a reservation', () => {
  test('fits when there is just enough of everything', () => {
    expect(fits(held({ cores: 4, memoryBytes: 1000, ioSlots: 2, gpus: 1 }), host)).toBe(true);
    expect(fits(held(), held())).toBe(true);
  });

  test.each<[keyof Reservation, number]>([
    ['cores', 5],
    ['memoryBytes', 1001],
    ['ioSlots', 3],
    ['gpus', 2],
  ])('does not fit for the want of %s alone', (resource, amount) => {
    expect(fits(held({ [resource]: amount }), host)).toBe(false);
    expect(fits(held({ [resource]: amount - 1 }), host)).toBe(true);
  });

  test('overlaps with a budget resource by resource', () => {
    const wanted = held({ cores: 9, memoryBytes: 10, ioSlots: 2 });
    expect(overlap(wanted, host)).toEqual(held({ cores: 4, memoryBytes: 10, ioSlots: 2 }));
  });

  test('is at least the fewest cores of a demand and all the rest of it', () => {
    const demand = { coresMin: 2, coresMax: 8, memoryBytes: 5, ioSlots: 1, gpus: 1 };
    expect(leastReservation(demand)).toEqual({ cores: 2, memoryBytes: 5, ioSlots: 1, gpus: 1 });
  });
});

describe('a demand that is cut to a host', () => {
  test('stays as it is when the host can meet it', () => {
    const demand = demandOf({ coresMin: 2, coresMax: 4, memoryBytes: 1000, ioSlots: 1, gpus: 1 });
    expect(clampDemand(demand, host)).toEqual(demand);
  });

  test('asks for all of what it would exceed, and for no more', () => {
    const demand = demandOf({ coresMin: 8, coresMax: 16, memoryBytes: 5000, ioSlots: 9, gpus: 4 });
    expect(clampDemand(demand, host)).toEqual({
      coresMin: 4,
      coresMax: 4,
      memoryBytes: 1000,
      ioSlots: 2,
      gpus: 1,
    });
  });

  test('always fits into the idle host', () => {
    const demand = demandOf({ coresMin: 8, coresMax: 16, memoryBytes: 5000, ioSlots: 9, gpus: 4 });
    for (const cores of [1, 1.5, 2, 64]) {
      const other = { cores, memoryBytes: 10, ioSlots: 1, gpus: 0 };
      expect(fits(leastReservation(clampDemand(demand, other)), other)).toBe(true);
    }
  });

  test('asks for whole cores, also on a host with a part of one', () => {
    const demand = demandOf({ coresMin: 1.2, coresMax: 3.4 });
    expect(clampDemand(demand, host)).toMatchObject({ coresMin: 2, coresMax: 4 });
    expect(clampDemand(demand, { ...host, cores: 2.9 })).toMatchObject({
      coresMin: 2,
      coresMax: 2,
    });
  });

  test('may use at least as many cores as it needs', () => {
    expect(clampDemand(demandOf({ coresMin: 3, coresMax: 1 }), host)).toMatchObject({
      coresMin: 3,
      coresMax: 3,
    });
  });

  test('asks for no GPU where there is none', () => {
    expect(clampDemand(demandOf({ gpus: 2 }), { ...host, gpus: 0 }).gpus).toBe(0);
  });

  test('takes a slot when it asks for no core, slot or GPU at all', () => {
    const free = demandOf({ coresMin: 0, coresMax: 0 });
    expect(clampDemand(free, host).ioSlots).toBe(1);
    expect(clampDemand({ ...free, ioSlots: 2 }, host).ioSlots).toBe(2);
    expect(clampDemand({ ...free, gpus: 1 }, host).ioSlots).toBe(0);
    expect(clampDemand({ ...free, gpus: 1 }, { ...host, gpus: 0 }).ioSlots).toBe(1);
    expect(clampDemand(demandOf(), host).ioSlots).toBe(0);
  });

  test('is not negative', () => {
    const negative = demandOf({
      coresMin: -1,
      coresMax: -2,
      memoryBytes: -3,
      ioSlots: -4,
      gpus: -5,
    });
    expect(clampDemand(negative, host)).toEqual(demandOf({ coresMin: 0, coresMax: 0, ioSlots: 1 }));
  });
});
