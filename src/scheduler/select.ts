import { assert } from '../base/assert.ts';
import { fits, leastReservation, overlap, remaining, subtract } from '../resources/budget.ts';
import type { Capacity, Reservation } from '../resources/demand.ts';
import { chooseCores, rivalCountMax } from './choose-cores.ts';
import type { Rival } from './choose-cores.ts';
import type { Offer } from './effect.ts';
import { forecastOf, releaseOf } from './forecast.ts';
import type { Forecast, Release } from './forecast.ts';
import { inStartOrder } from './start-order.ts';
import type { Candidate, Queue } from './start-order.ts';

/*
 * What starts next on a host: the whole policy, in the order in which it is applied.
 *
 * - **Order.** Job priority, then the tenant that was served less, then jobs that are due soon (nearly
 *   finished or short, without starvation), then the longest chain to the job's end; `start-order.ts` has
 *   the details. Priority is strict: work of a lower one starts with what the higher ones leave.
 * - **Ageing.** A waiting offer's priority grows by one a minute, up to the highest that is offered: so
 *   nothing waits for ever behind a stream of higher ones, and those of one priority keep their order.
 * - **Tenants.** Those with work of the same priority share the host by their weights, in core-seconds
 *   (`fair-share.ts`). A tenant that is alone has all of it; one that comes back begins where the others
 *   are. With one tenant the order is as if there were none.
 * - **Suspects.** A node that was lost twice may be what took the service down. One of them at most
 *   runs at a time, so that the one that does it is found out by its own losses, and those that merely
 *   ran beside it end well; others pass those that wait for their turn.
 * - **Backfill.** An offer that does not fit is passed over, and later ones may take what is free.
 * - **Ageing bound.** When a passed-over offer has waited longer than `backfillMsMax`, everything free
 *   that it needs is held back from those behind it, so that it starts as soon as enough has come
 *   together: at the latest when all has ended that ran when the bound was reached.
 * - **Demand larger than the host.** Cut to the host (`clampDemand`): the node runs, alone on that
 *   resource. On an idle host the first offer always starts, so there is no deadlock.
 * - **Thread budgets.** In order, each start gets as many cores as it can use and are free. A start
 *   keeps its cores to its end, so handing one core each to everybody ends with a single long node on
 *   one core of an idle host. Three exceptions, all only where the estimates say that all ends earlier:
 *   a start leaves cores to others, because narrow nodes side by side get more done than wide ones in
 *   turn (`widthLoss`); it leaves cores to a chain that will want them in a moment; and a node waits for
 *   cores that come free soon, while later offers that end before that may use the cores
 *   (`choose-cores.ts`). With work enough for the whole host nobody waits: that only wastes cores.
 * - **Work for slots.** A node without cores starts as soon as it has its slot.
 *
 * The starts never exceed what the host has left. For n offers it takes O(n log n).
 *
 * How good it is: a job alone on a host of m cores takes less than twice max(critical path, work / m) on
 * random graphs, 1.15 times on average at most, and 1.18 times when the estimates are wrong by up to half.
 * The bound knows nothing of what width costs, so no schedule reaches it
 * (`test/simulation/makespan.test.ts`).
 */

/** What is known when something may start. */
export interface Selection extends Queue {
  /** Each node at most once. */
  readonly offers: readonly Offer[];
  /** Everything that holds a part of the host. */
  readonly running: readonly RunningStart[];
  /** What the host has; at least one core and one slot. */
  readonly capacity: Capacity;
}

/** A start of an earlier round that has not ended. */
export interface RunningStart {
  readonly reservation: Reservation;
  readonly startedAtMs: number;
  /** The start's forecast. Without it nobody waits for this attempt. */
  readonly forecast?: Forecast;
  /** The start's; absent for one that is none. */
  readonly isSuspect?: boolean;
}

/** A node to start now. */
export interface Start {
  readonly jobId: string;
  readonly nodeId: string;
  readonly attempt: number;
  readonly tenant: string;
  /** Whether it may have taken the service down; see {@link suspectLostCount}. */
  readonly isSuspect: boolean;
  /** What it holds until its last child is gone. `cores` is its thread budget. */
  readonly reservation: Reservation;
  /** To be handed back with the running start in later rounds. */
  readonly forecast: Forecast;
}

/** What to do now. */
export interface Decision {
  /** In start order; together they fit into what is left of the host. */
  readonly starts: readonly Start[];
  /**
   * Set while a node waits for cores that should come free then: decide again at that wall-clock time,
   * unless something ended or was offered before. Without that, a wait lasts until the next event.
   */
  readonly reconsiderAtMs?: number;
}

/** A start rule; {@link select} is the product's, benchmarks compare others. */
export type Select = (selection: Selection) => readonly Start[];

/** A start rule. */
export type Decide = (selection: Selection) => Decision;

/**
 * How long others may pass an offer that does not fit, in milliseconds. Half a minute is a light node
 * or a short encode: long enough to keep cores busy, too short for a stream of light nodes to hold up
 * a heavy one noticeably.
 */
export const backfillMsMax = 30_000;

/**
 * Lost attempts from which on a node is a suspect. Two: a loss of power makes one of everything that
 * runs, and hardly a second of the same node.
 */
export const suspectLostCount = 2;

/** What starts now; see {@link decide}. */
export function select(selection: Selection): readonly Start[] {
  return decide(selection).starts;
}

/** What starts now, and when to ask again. */
export function decide(selection: Selection): Decision {
  const { capacity } = selection;
  assert(capacity.cores >= 1 && capacity.ioSlots >= 1, 'a host has a core and a slot at least');
  const round = new Round(selection);
  const upcoming = new Upcoming(inStartOrder(selection));
  while (!round.isExhausted) {
    const candidate = upcoming.take();
    if (candidate === undefined) break;
    round.consider(candidate, upcoming);
  }
  return round.decision;
}

/** Candidates in start order, with a look at those that come next. */
class Upcoming {
  readonly #source: Iterator<Candidate>;
  readonly #seen: Candidate[] = [];

  constructor(candidates: Iterable<Candidate>) {
    this.#source = candidates[Symbol.iterator]();
  }

  /** The next one; undefined at the end. */
  take(): Candidate | undefined {
    if (this.#seen.length > 0) return this.#seen.shift();
    const next = this.#source.next();
    return next.done === true ? undefined : next.value;
  }

  /** Those that come after the last one taken, at most so many. */
  peek(count: number): readonly Candidate[] {
    while (this.#seen.length < count) {
      const next = this.#source.next();
      if (next.done === true) break;
      this.#seen.push(next.value);
    }
    return this.#seen.slice(0, count);
  }
}

/** One walk over the offers: what is left of the host, and what was decided so far. */
class Round {
  readonly #selection: Selection;
  readonly #starts: Start[] = [];
  readonly #horizonSec: number;
  /** Whether anything is offered that can start without a core. */
  readonly #isSlotWorkOffered: boolean;
  #budget: Capacity;
  #releases: readonly Release[];
  /** Whether one of the suspects runs. */
  #isSuspectRunning: boolean;
  /** Seconds from now until which free cores are kept for a node that waits. */
  #keptForSec: number | undefined;

  constructor(selection: Selection) {
    const { capacity, running, nowMs } = selection;
    this.#selection = selection;
    this.#isSlotWorkOffered = selection.offers.some(
      ({ estimate }) => estimate.demand.coresMin <= 0,
    );
    this.#isSuspectRunning = running.some(({ isSuspect }) => isSuspect === true);
    this.#budget = remaining(
      capacity,
      running.map(({ reservation }) => reservation),
    );
    this.#releases = soonestFirst(running.flatMap((start) => releasesOf(start, nowMs)));
    this.#horizonSec = knownWorkSec(selection) / capacity.cores;
  }

  /** Whether nothing can start any more, whatever comes. */
  get isExhausted(): boolean {
    const { cores, ioSlots, gpus } = this.#budget;
    return cores < 1 && (!this.#isSlotWorkOffered || (ioSlots < 1 && gpus < 1));
  }

  get decision(): Decision {
    if (this.#keptForSec === undefined) return { starts: this.#starts };
    const waitMs = Math.max(1, Math.ceil(this.#keptForSec * 1000));
    return { starts: this.#starts, reconsiderAtMs: this.#selection.nowMs + waitMs };
  }

  /** Starts the candidate, lets it wait, or passes over it. */
  consider(candidate: Candidate, upcoming: Upcoming): void {
    if (this.#isSuspectRunning && isSuspected(candidate.offer)) return;
    const least = leastReservation(candidate.demand);
    if (!fits(least, this.#budget)) return this.#passOver(candidate, least);
    const widest = Math.min(candidate.demand.coresMax, Math.floor(this.#budget.cores));
    if (widest === 0) return this.#start(candidate, 0);
    if (this.#keptForSec !== undefined) {
      const isShort = candidate.forecast.workSec / widest <= this.#keptForSec;
      return isShort ? this.#start(candidate, widest) : undefined;
    }
    const choice = chooseCores(candidate, {
      cores: this.#selection.capacity.cores,
      freeCores: Math.floor(this.#budget.cores),
      releases: this.#releases,
      rivals: this.#rivalsOf(candidate, upcoming.peek(rivalCountMax)),
      horizonSec: this.#horizonSec,
    });
    if (choice.inSec > 0) this.#keptForSec = choice.inSec;
    else this.#start(candidate, choice.cores);
  }

  /** Those that want cores. One that finds no room beside the candidate has to wait for its end. */
  #rivalsOf(candidate: Candidate, others: readonly Candidate[]): readonly Rival[] {
    const least = leastReservation(candidate.demand);
    const beside = subtract(this.#budget, { ...least, cores: 0 });
    const willSuspectRun = this.#isSuspectRunning || isSuspected(candidate.offer);
    return others.flatMap(({ offer, forecast, demand }) => {
      if (demand.coresMax === 0 || (willSuspectRun && isSuspected(offer))) return [];
      const hasRoom = fits({ ...leastReservation(demand), cores: 0 }, beside);
      return [{ forecast, coresMin: hasRoom ? demand.coresMin : Infinity }];
    });
  }

  #passOver({ offer }: Candidate, least: Reservation): void {
    if (this.#selection.nowMs - offer.readyAtMs <= backfillMsMax) return;
    this.#budget = subtract(this.#budget, overlap(least, this.#budget));
  }

  #start({ offer, demand, forecast }: Candidate, cores: number): void {
    const { jobId, nodeId, attempt, tenant } = offer;
    const reservation = { ...leastReservation(demand), cores };
    const isSuspect = isSuspected(offer);
    this.#starts.push({ jobId, nodeId, attempt, tenant, isSuspect, reservation, forecast });
    this.#isSuspectRunning ||= isSuspect;
    this.#budget = subtract(this.#budget, reservation);
    const release = releaseOf({ cores, elapsedSec: 0, forecast });
    if (cores > 0 && release !== undefined) {
      this.#releases = soonestFirst([...this.#releases, release]);
    }
  }
}

/** Whether a node may be what took the service down. */
function isSuspected({ lostCount = 0 }: Offer): boolean {
  return lostCount >= suspectLostCount;
}

function releasesOf(running: RunningStart, nowMs: number): readonly Release[] {
  const { reservation, startedAtMs, forecast } = running;
  if (forecast === undefined || reservation.cores === 0) return [];
  const elapsedSec = Math.max(0, (nowMs - startedAtMs) / 1000);
  const release = releaseOf({ cores: reservation.cores, elapsedSec, forecast });
  return release === undefined ? [] : [release];
}

function soonestFirst(releases: readonly Release[]): readonly Release[] {
  return releases.toSorted((a, b) => a.inSec - b.inSec);
}

/**
 * Core-seconds that the host has before it for certain: what is offered and what is left of what runs,
 * and once per job the longest of the paths behind them.
 */
function knownWorkSec({ offers, running, nowMs }: Selection): number {
  const tailSec = new Map<string, number>();
  const addTail = (forecast: Forecast): void => {
    tailSec.set(forecast.jobId, Math.max(tailSec.get(forecast.jobId) ?? 0, forecast.tailSec));
  };
  let workSec = 0;
  for (const offer of offers) {
    workSec += offer.estimate.coreSeconds;
    addTail(forecastOf(offer));
  }
  for (const { forecast, startedAtMs, reservation } of running) {
    if (forecast === undefined) continue;
    const spentSec = Math.max(0, (nowMs - startedAtMs) / 1000) * Math.max(1, reservation.cores);
    workSec += Math.max(0, forecast.workSec - spentSec);
    addTail(forecast);
  }
  for (const sec of tailSec.values()) workSec += sec;
  return workSec;
}
