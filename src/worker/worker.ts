import { required } from '../base/assert.ts';
import { within } from '../base/grace.ts';
import type { Grace } from '../base/grace.ts';
import type { Clock } from '../base/clock.ts';
import { failure, failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { err } from '../base/result.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import type { JobEngine } from '../jobs/engine.ts';
import type { JobFeed } from '../jobs/feed.ts';
import { resultKeyOf } from '../jobs/reuse.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import { endOrphans } from '../processes/end-orphans.ts';
import { expandPlan } from '../pipeline/expand-plan.ts';
import type { Capacity, Reservation } from '../resources/demand.ts';
import type { JobEvent } from '../scheduler/event.ts';
import type { JobState } from '../scheduler/job-state.ts';
import { noUsage, usageAfterEnd, usageAfterRound } from '../scheduler/fair-share.ts';
import type { Shares, TenantWeights } from '../scheduler/fair-share.ts';
import { releaseOf } from '../scheduler/forecast.ts';
import type { Forecast } from '../scheduler/forecast.ts';
import type { Decide, Start } from '../scheduler/select.ts';
import type { ResultCache } from '../storage/result-cache.ts';
import type { AttemptKey, Workspace } from '../storage/workspace.ts';
import { StoreError, storeRetryMs } from '../store/store-error.ts';
import type { StoredJob } from '../store/store.ts';
import { runAttempt } from './attempt.ts';
import type { AttemptEnd } from './attempt.ts';

/** What a worker is made of. */
export interface WorkerParts {
  readonly engine: JobEngine;
  readonly dispatch: Dispatch;
  readonly feed: JobFeed;
  /** The node kinds by name. */
  readonly kinds: ReadonlyMap<string, NodeKind>;
  readonly workspace: Workspace;
  /** Where results are kept for other jobs; nowhere when absent. */
  readonly results?: ResultCache;
  readonly capacity: Capacity;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The start rule: the scheduler's `decide`; a benchmark compares others. */
  readonly decide: Decide;
  /** Tenant → its share of the host beside that of others; 1 for each when absent. */
  readonly tenantWeights?: TenantWeights;
}

/** An attempt that holds a part of the host until its children are gone. */
interface Running {
  readonly key: AttemptKey;
  readonly reservation: Reservation;
  readonly startedAtMs: number;
  /** The same on the clock that nobody sets. */
  readonly startedMonotonicMs: number;
  readonly forecast: Forecast;
  readonly tenant: string;
  readonly isSuspect: boolean;
  readonly abort: AbortController;
}

/**
 * Runs ready nodes on this host within its capacity.
 *
 * ```
 * offered ─▶ claimed (reserved) ─▶ started (stored) ─▶ running ─▶ ended (freed) ─▶ settled (stored)
 * ```
 *
 * It is driven by events only: something became ready, or something ended. The ledger is the map of
 * running attempts; an attempt is in it from its claim until its last child is gone.
 */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #running = new Map<string, Running>();
  /** Attempts from their claim until they are settled; longer than they hold the host. */
  readonly #unsettled = new Set<Promise<void>>();
  /** What the tenants were served since they last had nothing to do. */
  #usage = noUsage;
  /** Ends the wait for cores that should come free; see `Decision.reconsiderAtMs`. */
  #cancelReconsider: () => void = () => undefined;
  readonly #stopping = new AbortController();
  /** Set once no more nodes are taken. */
  #isDraining = false;
  /** Attempts that are being stopped so that somebody else can make them. */
  readonly #handedBack = new Set<Running>();
  #detach: readonly (() => void)[] = [];

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  /** Ends and removes what attempts of an earlier life left behind, then starts taking nodes. */
  async start(): Promise<void> {
    const { dispatch, engine } = this.#parts;
    await this.#clearScratch();
    if (this.#isDraining) return;
    this.#detach = [
      dispatch.onReady(() => this.#claim()),
      engine.onStop((key) => this.#running.get(nameOf(key))?.abort.abort()),
    ];
    this.#claim();
  }

  /**
   * Takes no more nodes. Those that end within the grace, by their forecast, may end; all others are
   * handed back at once, and what still runs when the grace is over or `hurry` aborts, then. Resolves as
   * {@link stop} does.
   */
  async drain({ graceMs, hurry }: Grace): Promise<void> {
    this.#isDraining = true;
    this.#cancelReconsider();
    for (const running of this.#running.values()) {
      if (!this.#endsWithin(running, graceMs)) this.#handBack(running);
    }
    await within(this.#settled(), { graceMs, hurry }, this.#parts.clock);
    await this.stop();
  }

  /**
   * Takes no more nodes, stops the running ones, hands them back, and waits until every child is gone (or
   * is given up by `runAttempt`) and that is stored. Only what the store does not take stays `running` in
   * it: the next start finds it lost. Idempotent.
   */
  async stop(): Promise<void> {
    this.#isDraining = true;
    this.#stopping.abort();
    this.#cancelReconsider();
    for (const running of this.#running.values()) this.#handBack(running);
    await this.#settled();
    for (const detach of this.#detach) detach();
  }

  async #clearScratch(): Promise<void> {
    const { workspace, clock, logger } = this.#parts;
    try {
      const killed = await endOrphans({ directory: workspace.scratch, clock });
      if (killed.length > 0) logger.warn({ killed }, 'killed what an earlier service left running');
      await workspace.clearScratch();
    } catch (error) {
      logger.error({ error }, 'the files of earlier attempts could not be removed');
    }
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #settled(): Promise<void> {
    while (this.#unsettled.size > 0) await Promise.all(this.#unsettled);
  }

  /** An attempt whose end nobody can tell is not waited for. */
  #endsWithin(running: Running, graceMs: number): boolean {
    const { forecast, reservation, startedMonotonicMs } = running;
    const elapsedSec = (this.#parts.clock.monotonicMs() - startedMonotonicMs) / 1000;
    const release = releaseOf({ forecast, cores: reservation.cores, elapsedSec });
    return release !== undefined && release.inSec * 1000 <= graceMs;
  }

  #handBack(running: Running): void {
    this.#handedBack.add(running);
    running.abort.abort();
  }

  #claim(): void {
    this.#cancelReconsider();
    if (this.#isDraining) return;
    const { capacity, clock, dispatch, decide } = this.#parts;
    const nowMs = clock.nowMs();
    const running = [...this.#running.values()];
    const starts = dispatch.claim((offers) => {
      const shares = this.#shares;
      const decision = decide({ offers, running, capacity, nowMs, shares });
      const round = { offers, running, starts: decision.starts, cores: capacity.cores };
      this.#usage = usageAfterRound(shares, round);
      this.#reconsiderAt(decision.reconsiderAtMs);
      return decision.starts;
    });
    for (const [jobId, ofJob] of Map.groupBy(starts, (start) => start.jobId)) {
      this.#begin(jobId, ofJob, nowMs);
    }
  }

  #reconsiderAt(atMs: number | undefined): void {
    if (atMs === undefined) return;
    const { clock } = this.#parts;
    this.#cancelReconsider = clock.after(atMs - clock.nowMs(), () => this.#claim());
  }

  /** Reserves at once, so that no later claim sees the same cores, then goes on asynchronously. */
  #begin(jobId: string, starts: readonly Start[], nowMs: number): void {
    const startedMonotonicMs = this.#parts.clock.monotonicMs();
    const times = { startedAtMs: nowMs, startedMonotonicMs };
    const begun = starts.map(({ nodeId, attempt, ...start }): Running => {
      const key = { jobId, nodeId, attempt };
      return { ...start, ...times, key, abort: new AbortController() };
    });
    const started = this.#apply(jobId, begun.map(startedEvent));
    for (const running of begun) {
      this.#running.set(nameOf(running.key), running);
      // Made while the start is being stored: the child needs both.
      const directory = this.#parts.workspace.createAttempt(running.key);
      const settled = this.#runOnce({ started, directory }, running).finally(() => {
        this.#unsettled.delete(settled);
        this.#claim();
      });
      this.#unsettled.add(settled);
    }
  }

  /** Runs an attempt once its start is stored, unless the job had changed its mind by then. */
  async #runOnce({ started, directory }: Beginning, running: Running): Promise<void> {
    const { logger, workspace } = this.#parts;
    try {
      const [job] = await Promise.all([
        this.#startOf(running, started),
        Promise.allSettled([directory]),
      ]);
      if (job === undefined || !isRunning(job.state, running.key)) {
        await workspace.removeAttempt(running.key);
        return;
      }
      const result = await this.#run(job, running, directory);
      // The children are gone: the host has their cores back before the next ones are chosen.
      this.#release(running);
      await this.#settle(job.state, running, result);
    } catch (error) {
      logger.error({ ...running.key, error }, 'an attempt ended by a bug');
    } finally {
      this.#release(running);
    }
  }

  /**
   * The job once the start is stored. Undefined when the worker stopped before, and when a bug was in the
   * way: then the attempt has failed, as nobody can tell whether it is known to run.
   */
  async #startOf(
    running: Running,
    started: Promise<StoredJob | undefined>,
  ): Promise<StoredJob | undefined> {
    const { key } = running;
    try {
      return await started;
    } catch (error) {
      this.#parts.logger.error({ ...key, error }, 'the start of an attempt makes no sense');
      await this.#failStart(running, error);
      return undefined;
    }
  }

  /** Ends an attempt whose start may be stored or not, and its lease. */
  async #failStart(running: Running, thrown: unknown): Promise<void> {
    const { key } = running;
    const cause = unexpectedFailure(key, thrown);
    const facts = { atMs: this.#parts.clock.nowMs(), nodeId: key.nodeId, attempt: key.attempt };
    try {
      await this.#apply(key.jobId, [
        startedEvent(running),
        { type: 'attempt-failed', ...facts, failure: cause },
      ]);
    } catch (error) {
      this.#parts.logger.error({ ...key, error }, 'nor can its end be told');
    }
  }

  #release(running: Running): void {
    const { key, startedMonotonicMs } = running;
    this.#parts.feed.clear(key.jobId, key.nodeId);
    if (!this.#running.delete(nameOf(key))) return;
    const tookSec = (this.#parts.clock.monotonicMs() - startedMonotonicMs) / 1000;
    this.#usage = usageAfterEnd(this.#shares, running, tookSec);
  }

  get #shares(): Shares {
    return { usage: this.#usage, weights: this.#parts.tenantWeights ?? new Map() };
  }

  async #run(job: StoredJob, running: Running, directory: Promise<string>): Promise<AttemptEnd> {
    const { key, abort, reservation } = running;
    const { workspace, clock, kinds, results } = this.#parts;
    const resultKey = results && resultKeyOf(job, key.nodeId, kinds);
    const node = required(
      job.state.plan.nodes.find(({ id }) => id === key.nodeId),
      `node ${key.nodeId}`,
    );
    const logger = this.#parts.logger.child({ ...key, kind: node.kind });
    const kind = kinds.get(node.kind);
    if (kind === undefined) {
      await workspace.removeAttempt(key);
      return err(unknownKind(node.kind));
    }
    logger.info({ cores: reservation.cores }, 'attempt started');
    const result = await runAttempt(
      {
        key,
        job,
        node,
        kind,
        directory,
        ...(resultKey !== undefined && { resultKey }),
        cores: reservation.cores,
        signal: abort.signal,
        onProgress: (fraction) => this.#report(running, fraction),
      },
      { workspace, clock, logger, ...(results !== undefined && { results }) },
    );
    if (!isSuccess(result) && abort.signal.aborted) logger.info({}, 'attempt stopped');
    else logResult(logger, result);
    return result;
  }

  /** Hands progress on, but not of a run that was left to itself and still goes on. */
  #report({ key }: Running, fraction: number): void {
    if (!this.#running.has(nameOf(key)) || Number.isNaN(fraction)) return;
    this.#parts.feed.report(key.jobId, key.nodeId, Math.min(1, Math.max(0, fraction)));
  }

  /** Stores how an attempt ended. Its files stay only when they have become the node's artifacts. */
  async #settle(job: JobState, running: Running, result: AttemptEnd): Promise<void> {
    const { key, abort } = running;
    const isStopped = !isSuccess(result) && abort.signal.aborted;
    const isHandedBack = this.#handedBack.delete(running);
    const after = await this.#applyEnd(job, { key, result, isStopped, isHandedBack });
    const record = after?.state.nodes.find(({ id }) => id === key.nodeId);
    const isKept = record?.phase === 'succeeded' && record.attempt === key.attempt;
    if (!isSuccess(result)) return;
    const { toKeep } = result.value;
    if (!isKept) await this.#parts.workspace.removeAttempt(key);
    else if (toKeep !== undefined) this.#parts.results?.keep(toKeep);
  }

  /** An outcome that can't be told as it is (its kind has a bug) is an `internal` failure. */
  async #applyEnd(job: JobState, ended: Ended): Promise<StoredJob | undefined> {
    try {
      return await this.#apply(job.id, [this.#eventOf(job, ended)]);
    } catch (error) {
      const { key } = ended;
      this.#parts.logger.error({ ...key, error }, 'the outcome of an attempt makes no sense');
      const result = err(unexpectedFailure(key, error));
      return this.#apply(job.id, [this.#eventOf(job, { ...ended, result })]);
    }
  }

  #eventOf(job: JobState, { key, result, isStopped, isHandedBack }: Ended): JobEvent {
    const facts = { atMs: this.#parts.clock.nowMs(), nodeId: key.nodeId, attempt: key.attempt };
    if (isStopped) return { type: isHandedBack ? 'attempt-released' : 'attempt-stopped', ...facts };
    // It is offered again, to run.
    if (result === 'result-gone') return { type: 'attempt-released', ...facts };
    if (!result.ok) return { type: 'attempt-failed', ...facts, failure: result.error };
    const { outcome, artifacts, isReused } = result.value;
    const warnings = (outcome.warnings ?? []).map((warning) => ({
      ...warning,
      nodeId: key.nodeId,
    }));
    const reused = isReused === undefined ? {} : { isReused };
    const made = { artifacts, warnings, ...reused };
    const succeeded = { type: 'attempt-succeeded', ...facts, ...made } as const;
    if (outcome.media === undefined) return succeeded;
    const expansion = expandPlan(job.plan, outcome.media, this.#parts.kinds);
    return { ...succeeded, media: outcome.media, expansion };
  }

  /**
   * Stores what happened, however long the store cannot be written: an outcome is never dropped.
   * Gives up, with undefined, only when the worker stops.
   */
  async #apply(jobId: string, events: readonly JobEvent[]): Promise<StoredJob | undefined> {
    const { engine, logger } = this.#parts;
    for (;;) {
      try {
        return await engine.apply(jobId, events);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        logger.error({ jobId, error }, 'a transition could not be stored; trying again');
      }
      if (this.#isStopping) return undefined;
      await this.#pauseBeforeRetry();
    }
  }

  /** Ends early when the worker stops. */
  async #pauseBeforeRetry(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#stopping;
    const proceed = (): void => resolve();
    const cancel = this.#parts.clock.after(storeRetryMs, proceed);
    signal.addEventListener('abort', proceed, { once: true });
    await promise;
    signal.removeEventListener('abort', proceed);
    cancel();
  }
}

/** What a run waits for. */
interface Beginning {
  /** The job once the start is stored; undefined when the worker stopped before. */
  readonly started: Promise<StoredJob | undefined>;
  /** The directory of the attempt. */
  readonly directory: Promise<string>;
}

/** How an attempt ended. */
interface Ended {
  readonly key: AttemptKey;
  readonly result: AttemptEnd;
  /** Whether it ended because it was asked to. */
  readonly isStopped: boolean;
  /** Whether it was asked to because the worker stops. */
  readonly isHandedBack: boolean;
}

function startedEvent({ key, reservation, startedAtMs }: Running): JobEvent {
  return {
    type: 'attempt-started',
    atMs: startedAtMs,
    nodeId: key.nodeId,
    attempt: key.attempt,
    cores: reservation.cores,
  };
}

/** The plan is older than this version of the service, or was made with other kinds. */
function unknownKind(kind: string): Failure {
  return failure('internal', `This version of the service does not know the kind "${kind}".`);
}

function isRunning(job: JobState, { nodeId, attempt }: AttemptKey): boolean {
  return job.nodes.some(
    (node) => node.id === nodeId && node.phase === 'running' && node.attempt === attempt,
  );
}

/** A bug, of a kind or ours. */
function unexpectedFailure({ nodeId }: AttemptKey, thrown: unknown): Failure {
  return failureFromThrown(thrown, 'internal', `"${nodeId}" failed unexpectedly.`);
}

function isSuccess(end: AttemptEnd): end is Extract<AttemptEnd, { readonly ok: true }> {
  return end !== 'result-gone' && end.ok;
}

function logResult(logger: Logger, result: AttemptEnd): void {
  if (result === 'result-gone') logger.info({}, 'its earlier result is gone; it has to run');
  else if (result.ok) logger.info({}, 'attempt succeeded');
  else logger.warn({ failure: result.error }, 'attempt failed');
}

function nameOf({ jobId, nodeId, attempt }: AttemptKey): string {
  return `${jobId}/${nodeId}/${attempt}`;
}
