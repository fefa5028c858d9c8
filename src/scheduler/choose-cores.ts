import type { Forecast, Release } from './forecast.ts';
import type { Candidate } from './start-order.ts';

/** The host's cores as a candidate finds them. */
export interface CoreOutlook {
  readonly cores: number;
  readonly freeCores: number;
  /** When cores come free, soonest first. */
  readonly releases: readonly Release[];
  /** Offers that come after the candidate; the first {@link rivalCountMax} count. */
  readonly rivals: readonly Rival[];
  /** Seconds until the host could be done with all the work it knows of; no choice ends earlier. */
  readonly horizonSec: number;
}

/** An offer that wants cores as well. */
export interface Rival {
  readonly forecast: Forecast;
  /** Fewest cores on which it starts beside the candidate; Infinity when it has to wait for its end. */
  readonly coresMin: number;
}

/** How a node starts: on so many cores, now (0) or when an attempt that ends soon has let go of them. */
export interface CoreChoice {
  readonly cores: number;
  readonly inSec: number;
}

/**
 * The least part of the estimated end that a departure from "as wide as possible, now" has to gain.
 * Below one per cent it would chase the noise of the estimates.
 */
const gainShareMin = 0.01;

/**
 * What each core beyond the first adds to a node's work, as a share of it: threads wait for each other
 * and each brings some work of its own. x264 with its decoder kept 1.5 to 1.8 of 2 threads busy (clips of
 * ten seconds at 1080p, ffmpeg 5.1), which is 0.13 to 0.31. So narrow nodes side by side get more done
 * than wide ones in turn: the nine nodes of the sample clip took 9.4 s instead of 11.8 s on two cores.
 */
export const widthLoss = 0.2;

/** Core-seconds that a node's work costs on top of itself on so many cores. */
function lossSec(workSec: number, cores: number): number {
  return widthLoss * Math.max(0, cores - 1) * workSec;
}

/** Rivals that are looked at; those behind them hardly ever start in the same round. */
export const rivalCountMax = 8;

/**
 * How long a node may wait for more cores, as a share of what it would take on the cores free now. Half
 * is where the makespans of `test/simulation/makespan.test.ts` stop improving.
 */
const waitShareMax = 0.5;

/**
 * On how many cores a node runs, and whether it waits for more. A node's cores can't be changed while
 * it runs, so a long node on the last free core of a host is still there when all others are done. Of
 * the options (every width it can have now; waiting for each attempt that ends soon) the one with the
 * earliest estimated end wins, of the node's chain and of all that is known to be done; on a tie the
 * widest, now.
 */
export function chooseCores(candidate: Candidate, outlook: CoreOutlook): CoreChoice {
  const { coresMin, coresMax } = candidate.demand;
  const widest = Math.min(coresMax, outlook.freeCores);
  const wanted = coresWanted(outlook.rivals);
  // What is lost by width, where others want the cores, and by waiting puts off the end of all work.
  const endOf = (choice: CoreChoice, idleSec: number): number => {
    const width = Math.max(choice.cores, outlook.freeCores - wanted);
    const lostSec = idleSec + (wanted === 0 ? 0 : lossSec(candidate.forecast.workSec, width));
    return Math.max(
      endSec(candidate, choice, outlook),
      outlook.horizonSec + lostSec / outlook.cores,
    );
  };
  let best: CoreChoice = { cores: widest, inSec: 0 };
  let bestEndSec = endOf(best, 0);
  const consider = (choice: CoreChoice, idleSec: number): void => {
    const end = endOf(choice, idleSec);
    if (end >= bestEndSec * (1 - gainShareMin)) return;
    best = choice;
    bestEndSec = end;
  };
  for (let cores = widest - 1; cores >= Math.max(1, coresMin); cores -= 1) {
    consider({ cores, inSec: 0 }, 0);
  }
  for (const wait of waits(candidate, outlook)) consider(wait.choice, wait.idleSec);
  return best;
}

/** How many cores the others could use at once beside the candidate. */
function coresWanted(rivals: readonly Rival[]): number {
  return rivals.reduce(
    (sum, { forecast, coresMin }) => sum + (coresMin === Infinity ? 0 : forecast.coresMax),
    0,
  );
}

/** The starts after each release that comes soon enough, with the core-seconds that idle until then. */
function* waits(
  { demand, forecast }: Candidate,
  { freeCores, releases }: CoreOutlook,
): Generator<{ choice: CoreChoice; idleSec: number }> {
  const narrowSec = forecast.workSec / Math.max(1, Math.min(demand.coresMax, freeCores));
  let cores = freeCores;
  let idleSec = 0;
  let untilSec = 0;
  for (const release of releases) {
    if (release.inSec > waitShareMax * narrowSec) return;
    idleSec += cores * (release.inSec - untilSec);
    untilSec = release.inSec;
    cores += release.cores;
    yield { choice: { cores: Math.min(demand.coresMax, cores), inSec: untilSec }, idleSec };
  }
}

/**
 * When the candidate's chain, and every chain that it would get in the way of, has ended: those of
 * running nodes, which will want cores when these end, and those of the offers behind it, which want
 * some at once. Where the candidate would hold their cores, they go on with what is left, or once it
 * has ended, whichever is better for them.
 */
function endSec(candidate: Candidate, choice: CoreChoice, outlook: CoreOutlook): number {
  const { workSec, tailSec, tailCores } = candidate.forecast;
  const nodeEndSec = choice.inSec + workSec / Math.max(1, choice.cores);
  let end = Math.max(outlook.horizonSec, nodeEndSec + tailSec / Math.min(outlook.cores, tailCores));
  let cores = outlook.freeCores;
  const claims = outlook.rivals.map((rival) => claimOf(rival, choice.inSec));
  const follows = outlook.releases.map((release): Claim => ({ ...release, coresMin: 1 }));
  for (const claim of [...claims, ...follows]) {
    cores += claim.cores;
    if (claim.tailSec === 0) continue;
    const isInTheWay = claim.inSec >= choice.inSec && claim.inSec < nodeEndSec;
    const beside = isInTheWay ? cores - choice.cores : cores;
    const besideEnd = beside < claim.coresMin ? Infinity : claim.inSec + tailOn(claim, beside);
    const behindEnd = isInTheWay ? nodeEndSec + tailOn(claim, Math.max(1, cores)) : Infinity;
    end = Math.max(end, Math.min(besideEnd, behindEnd));
  }
  return end;
}

/** A chain that wants cores at some time, with those that come free then. */
interface Claim extends Release {
  /** Fewest cores on which it goes on beside the candidate; ≥ 1. */
  readonly coresMin: number;
}

/** An offer as what wants cores from now on, or from the end of the wait: its whole chain. */
function claimOf({ forecast, coresMin }: Rival, inSec: number): Claim {
  const { workSec, coresMax, tailSec, tailCores } = forecast;
  const chainSec = workSec + tailSec;
  const spanSec = workSec / Math.max(1, coresMax) + tailSec / tailCores;
  return {
    inSec,
    cores: 0,
    tailSec: chainSec,
    tailCores: spanSec > 0 ? chainSec / spanSec : 1,
    coresMin: Math.max(1, coresMin),
  };
}

function tailOn({ tailSec, tailCores }: Release, cores: number): number {
  return tailSec / Math.min(cores, tailCores);
}
