import type { Offer } from './effect.ts';

/** How long a node and what follows it will take, by the estimates. */
export interface Forecast {
  readonly jobId: string;
  /** The node's own work in core-seconds. */
  readonly workSec: number;
  /** Most cores that the node itself can use; 0 for work that needs none. */
  readonly coresMax: number;
  /** Work in core-seconds on the path from the node's end to the job's end. */
  readonly tailSec: number;
  /** Cores that this path can use, on average; ≥ 1. */
  readonly tailCores: number;
}

/** What the offer of a node says about it. */
export function forecastOf(offer: Offer): Forecast {
  const { coreSeconds: workSec, demand } = offer.estimate;
  const tailSec = Math.max(0, offer.remainingPathSec - workSec);
  const tailSpanSec = offer.remainingSpanSec - workSec / Math.max(1, demand.coresMax);
  const tailCores = tailSpanSec > 0 ? Math.max(1, tailSec / tailSpanSec) : 1;
  return { jobId: offer.jobId, workSec, coresMax: demand.coresMax, tailSec, tailCores };
}

/** An attempt that holds cores, as far as it is known when it lets go of them. */
export interface Release {
  /** Seconds from now. */
  readonly inSec: number;
  readonly cores: number;
  /** What its end makes possible; see {@link Forecast}. */
  readonly tailSec: number;
  readonly tailCores: number;
}

/** A running attempt, to tell its end from. */
export interface RunningForecast {
  readonly cores: number;
  /** Seconds since its start. */
  readonly elapsedSec: number;
  readonly forecast: Forecast;
}

/** An overdue attempt is taken to need another tenth of what it ran so far, and so on. */
const overdueShare = 0.1;

/**
 * After this many times its estimated duration the end of an attempt counts as unknown and nothing
 * waits for it: estimates that are right within ±60 % never get there, hangs always do.
 */
const overdueFactorMax = 2;

/** Overrun that is forgiven to very short attempts, where starting the process weighs most. */
const overdueGraceSec = 1;

/** When a running attempt lets go of its cores; undefined when nobody can tell. */
export function releaseOf({ cores, elapsedSec, forecast }: RunningForecast): Release | undefined {
  const durationSec = forecast.workSec / Math.max(1, cores);
  if (elapsedSec > overdueFactorMax * durationSec + overdueGraceSec) return undefined;
  const inSec = Math.max(durationSec - elapsedSec, overdueShare * elapsedSec);
  return { inSec, cores, tailSec: forecast.tailSec, tailCores: forecast.tailCores };
}
