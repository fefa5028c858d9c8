import type { Capacity, Demand, Reservation } from './demand.ts';

/** What a host has left while these reservations are held. Never negative, whatever was promised. */
export function remaining(capacity: Capacity, reservations: Iterable<Reservation>): Capacity {
  let left = capacity;
  for (const reservation of reservations) left = subtract(left, reservation);
  return left;
}

/** What is left of a budget after one more reservation. Never negative. */
export function subtract(budget: Capacity, reservation: Reservation): Capacity {
  return {
    cores: Math.max(0, budget.cores - reservation.cores),
    memoryBytes: Math.max(0, budget.memoryBytes - reservation.memoryBytes),
    ioSlots: Math.max(0, budget.ioSlots - reservation.ioSlots),
    gpus: Math.max(0, budget.gpus - reservation.gpus),
  };
}

/** Whether a reservation can be granted from a budget. */
export function fits(reservation: Reservation, budget: Capacity): boolean {
  return (
    reservation.cores <= budget.cores &&
    reservation.memoryBytes <= budget.memoryBytes &&
    reservation.ioSlots <= budget.ioSlots &&
    reservation.gpus <= budget.gpus
  );
}

/** As much of a reservation as a budget holds, resource by resource. */
export function overlap(reservation: Reservation, budget: Capacity): Reservation {
  return {
    cores: Math.min(reservation.cores, budget.cores),
    memoryBytes: Math.min(reservation.memoryBytes, budget.memoryBytes),
    ioSlots: Math.min(reservation.ioSlots, budget.ioSlots),
    gpus: Math.min(reservation.gpus, budget.gpus),
  };
}

/**
 * A demand as this host can meet it, so that every node can start on an idle host:
 *
 * - What exceeds the host is cut to all that the host has: the node holds the whole resource, so
 *   nothing that asks for a part of it runs beside it. It runs alone instead of never.
 * - A GPU on a host without any is cut to none: the kind sees that and computes on cores.
 * - A demand for no core, slot or GPU at all takes one slot, so that nothing runs unbounded.
 * - `coresMax` is at least `coresMin`; all counts are whole and not negative.
 */
export function clampDemand(demand: Demand, capacity: Capacity): Demand {
  const coresMin = Math.min(wholeCount(demand.coresMin), Math.floor(capacity.cores));
  const coresMax = Math.min(wholeCount(demand.coresMax), Math.floor(capacity.cores));
  const gpus = Math.min(wholeCount(demand.gpus), capacity.gpus);
  const isFree = coresMin === 0 && gpus === 0;
  return {
    coresMin,
    coresMax: Math.max(coresMin, coresMax),
    memoryBytes: Math.min(Math.max(0, demand.memoryBytes), capacity.memoryBytes),
    ioSlots: Math.min(Math.max(wholeCount(demand.ioSlots), isFree ? 1 : 0), capacity.ioSlots),
    gpus,
  };
}

/** The smallest reservation that meets a demand. */
export function leastReservation(demand: Demand): Reservation {
  return {
    cores: demand.coresMin,
    memoryBytes: demand.memoryBytes,
    ioSlots: demand.ioSlots,
    gpus: demand.gpus,
  };
}

function wholeCount(count: number): number {
  return Math.max(0, Math.ceil(count));
}
