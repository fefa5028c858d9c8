import { clampDemand } from '../resources/budget.ts';
import type { Capacity, Demand } from '../resources/demand.ts';
import type { Offer } from './effect.ts';
import type { Shares } from './fair-share.ts';
import { forecastOf } from './forecast.ts';
import type { Forecast } from './forecast.ts';
import { takeTurns } from './take-turns.ts';

/** What waits for a host. */
export interface Queue {
  readonly offers: readonly Offer[];
  /** What the host has. */
  readonly capacity: Capacity;
  /** Wall-clock milliseconds, of the same clock as the offers' times. */
  readonly nowMs: number;
  /** What the tenants were served, and their weights; without it, all offers are those of one tenant. */
  readonly shares?: Shares;
}

/** An offer as this host sees it. */
export interface Candidate {
  readonly offer: Offer;
  /** The priority that it has reached by waiting; see {@link agedPriority}. */
  readonly priority: number;
  /** Cut to what the host has. */
  readonly demand: Demand;
  readonly forecast: Forecast;
  /** Seconds to the job's end through this node, were the host free for it. */
  readonly chainSec: number;
  /** When the job should be done, by {@link stretch}; milliseconds since the epoch. */
  readonly jobDueMs: number;
}

/**
 * A job is due at its creation plus this many times what it still needs on an idle host. Jobs that are
 * nearly finished, or short, are due soon and go first; as a job's due time does not move while it
 * waits, whatever comes in later than that goes behind it, so nothing starves. A larger number favors
 * the short jobs more. 4: a clip of a minute passes a film of an hour for the first hours only.
 */
const stretch = 4;

/**
 * Waiting that is worth one point of priority, in milliseconds. A minute: between `low` (−50) and `high`
 * (50) lie 100 minutes, so that work of a high priority is not disturbed in an ordinary rush, and what
 * was put off in the morning is not put off all day. The whole range, −100…100, takes 3 h 20 min.
 */
export const agingMsPerPoint = 60_000;

/**
 * The offers in the order in which they may take cores:
 *
 * 1. higher priority, as far as the offer has reached it ({@link agedPriority});
 * 2. tenant that was served less, by weight (`fair-share.ts`);
 * 3. job due earlier ({@link stretch}): nearly finished and short ones first, without starvation;
 * 4. longest chain to the job's end, in time on this host: what holds up the end goes first;
 * 5. older job, then job id and node id, so that the order never depends on the order of arrival.
 */
export function inStartOrder(queue: Queue): Iterable<Candidate> {
  const candidates = toCandidates(queue).sort(compare);
  return queue.shares === undefined ? candidates : takeTurns(candidates, queue.shares);
}

function toCandidates({ offers, capacity, nowMs }: Queue): Candidate[] {
  const remainingSec = remainingByJob(offers);
  const priorities = prioritiesOf(offers);
  return offers.map((offer): Candidate => {
    const forecast = forecastOf(offer);
    const demand = clampDemand(offer.estimate.demand, capacity);
    const jobSec = (remainingSec.get(offer.jobId) ?? 0) / capacity.cores;
    return {
      offer,
      priority: agedPriority(offer, priorities, nowMs),
      demand,
      forecast,
      chainSec: chainSec(forecast, demand, capacity),
      jobDueMs: offer.jobCreatedAtMs + stretch * jobSec * 1000,
    };
  });
}

/** The priorities of the offers, each once, highest first. */
function prioritiesOf(offers: readonly Offer[]): readonly number[] {
  return [...new Set(offers.map(({ priority }) => priority))].toSorted((a, b) => b - a);
}

/**
 * The highest of the given priorities, from the highest on, that an offer has reached: its own grows by
 * one for every {@link agingMsPerPoint} that it waits. It then is one among those, not one before them,
 * so age alone changes nothing between offers of the same priority.
 */
function agedPriority(offer: Offer, priorities: readonly number[], nowMs: number): number {
  const grown = offer.priority + Math.max(0, nowMs - offer.readyAtMs) / agingMsPerPoint;
  for (const priority of priorities) {
    if (priority <= grown) return priority;
  }
  return offer.priority;
}

/**
 * Job id → core-seconds left of it. An offer knows what was left when it was made; of the offers of
 * one job the smallest figure is the newest.
 */
function remainingByJob(offers: readonly Offer[]): Map<string, number> {
  const remaining = new Map<string, number>();
  for (const { jobId, jobRemainingSec } of offers) {
    remaining.set(jobId, Math.min(remaining.get(jobId) ?? Infinity, jobRemainingSec));
  }
  return remaining;
}

function chainSec(
  { workSec, tailSec, tailCores }: Forecast,
  demand: Demand,
  host: Capacity,
): number {
  return workSec / Math.max(1, demand.coresMax) + tailSec / Math.min(host.cores, tailCores);
}

function compare(a: Candidate, b: Candidate): number {
  return (
    b.priority - a.priority ||
    a.jobDueMs - b.jobDueMs ||
    b.chainSec - a.chainSec ||
    a.offer.jobCreatedAtMs - b.offer.jobCreatedAtMs ||
    compareText(a.offer.jobId, b.offer.jobId) ||
    compareText(a.offer.nodeId, b.offer.nodeId)
  );
}

/** By code units: the same on every machine, whatever its locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
