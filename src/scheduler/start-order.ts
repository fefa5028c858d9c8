import { clampDemand } from '../resources/budget.ts';
import type { Capacity, Demand } from '../resources/demand.ts';
import type { Offer } from './effect.ts';
import { forecastOf } from './forecast.ts';
import type { Forecast } from './forecast.ts';

/** An offer as this host sees it. */
export interface Candidate {
  readonly offer: Offer;
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
 * The offers in the order in which they may take cores:
 *
 * 1. higher priority of the job;
 * 2. job due earlier ({@link stretch}): nearly finished and short ones first, without starvation;
 * 3. longest chain to the job's end, in time on this host: what holds up the end goes first;
 * 4. older job, then job id and node id, so that the order never depends on the order of arrival.
 */
export function inStartOrder(offers: readonly Offer[], capacity: Capacity): readonly Candidate[] {
  const remainingSec = remainingByJob(offers);
  const candidates = offers.map((offer): Candidate => {
    const forecast = forecastOf(offer);
    const demand = clampDemand(offer.estimate.demand, capacity);
    const jobSec = (remainingSec.get(offer.jobId) ?? 0) / capacity.cores;
    return {
      offer,
      demand,
      forecast,
      chainSec: chainSec(forecast, demand, capacity),
      jobDueMs: offer.jobCreatedAtMs + stretch * jobSec * 1000,
    };
  });
  return candidates.sort(compare);
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
    b.offer.priority - a.offer.priority ||
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
