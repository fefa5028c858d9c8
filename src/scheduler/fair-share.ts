import type { Offer } from './effect.ts';
import type { Forecast } from './forecast.ts';
import type { Reservation } from '../resources/demand.ts';

/*
 * How tenants share a host: start-time fair queueing (P. Goyal, H. Vin, H. Cheng, "Start-time Fair
 * Queuing", SIGCOMM 1996) over core-seconds. Every tenant has a tag, its virtual time: the core-seconds
 * that it was served, divided by its weight. The tenant with the lowest tag is next, and its tag grows
 * by what it starts: at once by the estimate, so that a second start sees it, and by what it really took
 * once that is known.
 *
 * A tenant that has nothing offered and nothing running is idle. When it comes back it begins where the
 * others are: waiting for nothing earns no credit. What it was served beyond the others it still owes.
 */

/** How much every tenant was served. Immutable; a change is a new value. */
export interface Usage {
  /** The tag at which a tenant begins that comes now. */
  readonly presentTag: number;
  /** Tenant → its tag: of all that have something offered or running, and of the last to go idle. */
  readonly tags: ReadonlyMap<string, number>;
}

/** Tenant → its weight, 1–100; 1 for one that is not in it. */
export type TenantWeights = ReadonlyMap<string, number>;

/** What the shares of the host follow from. */
export interface Shares {
  readonly usage: Usage;
  readonly weights: TenantWeights;
}

/** Something that a tenant runs. */
export interface TenantStart {
  readonly tenant: string;
  readonly reservation: Reservation;
  readonly forecast: Forecast;
}

/** A round of starts. */
export interface TenantRound {
  /** Everything that was offered, also what then started. */
  readonly offers: readonly Pick<Offer, 'tenant'>[];
  /** What ran before. */
  readonly running: readonly Pick<TenantStart, 'tenant'>[];
  readonly starts: readonly TenantStart[];
  /** What the host has. */
  readonly cores: number;
}

/** Nobody was served yet. */
export const noUsage: Usage = { presentTag: 0, tags: new Map() };

/**
 * How far a tenant's tag may lie behind the present, in seconds of the whole host. It falls behind while
 * its work does not fit or has a low priority, and catches up later, before all others. Five minutes are
 * ten times what a node waits at most for others to make room (`backfillMsMax`); with more, a tenant
 * whose work waited through a night of a low priority would have the host to itself the next day.
 */
export const creditSecMax = 300;

/**
 * Tenants that are idle and owe something, at most: a job has nothing offered and nothing running
 * between two nodes, and must not lose its debts there. More than jobs that change nodes at a time.
 */
export const idleTenantsMax = 100;

/** The tag of a tenant. */
export function tagOf({ tags, presentTag }: Usage, tenant: string): number {
  return tags.get(tenant) ?? presentTag;
}

/** The weight of a tenant. */
export function weightOf(weights: TenantWeights, tenant: string): number {
  return weights.get(tenant) ?? 1;
}

/** What the tenants were served once the starts of a round are charged to them, by their estimates. */
export function usageAfterRound({ usage, weights }: Shares, round: TenantRound): Usage {
  const { offers, running, starts, cores } = round;
  const pending = countByTenant(offers);
  const served = new Set<string>();
  for (const { tenant } of running) served.add(tenant);
  const tags = new Map<string, number>();
  const lowest = usage.presentTag - creditSecMax * cores;
  for (const tenant of [...pending.keys(), ...served]) {
    tags.set(tenant, Math.max(lowest, tagOf(usage, tenant)));
  }
  for (const { tenant, forecast } of starts) {
    served.add(tenant);
    const count = pending.get(tenant);
    if (count !== undefined) count.offers -= 1;
    const before = tags.get(tenant) ?? usage.presentTag;
    tags.set(tenant, before + forecast.workSec / weightOf(weights, tenant));
  }
  if (tags.size === 0) return noUsage;
  const waiting = [...served].filter((tenant) => (pending.get(tenant)?.offers ?? 0) > 0);
  const presentTag = lowestTag(waiting, tags) ?? lowestTag([...served], tags) ?? usage.presentTag;
  return { presentTag, tags: new Map([...debtsOf(usage, presentTag, tags), ...tags]) };
}

/** What the tenants were served once a start has ended that took so many seconds. */
export function usageAfterEnd(
  { usage, weights }: Shares,
  end: TenantStart,
  tookSec: number,
): Usage {
  const { tenant, reservation, forecast } = end;
  // Work without cores is charged what was estimated: a slot that waits for a network takes none.
  if (reservation.cores === 0) return usage;
  const errorSec = reservation.cores * Math.max(0, tookSec) - forecast.workSec;
  const tag = tagOf(usage, tenant) + errorSec / weightOf(weights, tenant);
  const tags = new Map(usage.tags).set(tenant, tag);
  return { presentTag: Math.min(usage.presentTag, tag), tags };
}

/** Idle tenants that are ahead of the present, the latest to go idle last. */
function debtsOf(
  usage: Usage,
  presentTag: number,
  live: ReadonlyMap<string, number>,
): readonly (readonly [string, number])[] {
  // The map has its idle ones first, and in the order in which they went idle.
  const idle = [...usage.tags].filter(([tenant, tag]) => !live.has(tenant) && tag > presentTag);
  return idle.slice(-idleTenantsMax);
}

function lowestTag(
  tenants: readonly string[],
  tags: ReadonlyMap<string, number>,
): number | undefined {
  let lowest: number | undefined;
  for (const tenant of tenants) {
    const tag = tags.get(tenant);
    if (tag !== undefined && tag < (lowest ?? Infinity)) lowest = tag;
  }
  return lowest;
}

function countByTenant(offers: TenantRound['offers']): Map<string, { offers: number }> {
  const counts = new Map<string, { offers: number }>();
  for (const { tenant } of offers) {
    const count = counts.get(tenant);
    if (count === undefined) counts.set(tenant, { offers: 1 });
    else count.offers += 1;
  }
  return counts;
}
