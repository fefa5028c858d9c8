import { isDeepStrictEqual } from 'node:util';
import { required } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import type { Effect, Offer } from '../scheduler/effect.ts';
import type { JobEvent } from '../scheduler/event.ts';
import { handle } from '../scheduler/handle.ts';
import { isTerminalJob } from '../scheduler/job-state.ts';
import type { JobState } from '../scheduler/job-state.ts';
import type { RetryRequest } from '../scheduler/kept-nodes.ts';
import { resume } from '../scheduler/resume.ts';
import type { AttemptKey } from '../storage/workspace.ts';
import { StoreError, storeRetryMs } from '../store/store-error.ts';
import type {
  Durability,
  IdempotencyKey,
  Store,
  StoredJob,
  StoreTransaction,
} from '../store/store.ts';
import type { JobFeed } from './feed.ts';
import { withKeptResults } from './reuse.ts';

/** What the engine is made of. */
export interface EngineParts {
  readonly store: Store;
  readonly dispatch: Dispatch;
  readonly feed: JobFeed;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The kinds whose earlier results may be used; none when absent. */
  readonly kinds?: ReadonlyMap<string, NodeKind>;
  /** Most jobs that have not ended; {@link unfinishedJobsMax} by default. */
  readonly unfinishedMax?: number;
}

/**
 * Jobs that have not ended, at most. What they cost is bounded by it: a few KiB of memory per job for
 * its offers, a read of each at the start. It is far more than a machine works off in a day; what
 * really fills up before is the disk with their uploads, which has its own limit.
 */
export const unfinishedJobsMax = 10_000;

/**
 * The shell around the pure scheduler. Every change of a job takes one way: load the job, let the
 * core decide, write what changed and offer what became ready in one transaction, then perform the
 * effects that are not state.
 */
export class JobEngine {
  readonly #parts: EngineParts;
  readonly #stopListeners = new Set<(key: AttemptKey) => void>();
  readonly #beginListeners = new Set<(job: StoredJob) => void>();
  readonly #endListeners = new Set<EndListener>();
  /** What the end listeners are still doing. */
  readonly #endings = new Set<Promise<void>>();
  /** Retry timers by `<jobId>/<nodeId>`; each is cancelled by {@link close}. */
  readonly #timers = new Map<string, () => void>();
  /** Jobs in the store that have not ended, and those that are being put there. */
  #unfinishedCount = 0;
  #isClosed = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Whether there is room for one more job. Failure: `unavailable`. */
  checkRoom(): Result<void, Failure> {
    const { unfinishedMax = unfinishedJobsMax } = this.#parts;
    if (this.#unfinishedCount < unfinishedMax) return ok(undefined);
    const message = `There are ${unfinishedMax} unfinished jobs already, the most here. Try again later.`;
    return err(failure('unavailable', message));
  }

  /**
   * Stores a new job and offers its first nodes; durable when it resolves. The caller has seen
   * {@link checkRoom} in the same turn. Undefined, with nothing changed, when the key that it claims is
   * another job's.
   *
   * @throws StoreError when the store cannot be written.
   */
  async submit(job: StoredJob, claim?: KeyClaim): Promise<StoredJob | undefined> {
    this.#unfinishedCount += 1;
    let step: Step | undefined;
    try {
      step = await this.#insert(job, claim);
    } finally {
      if (step === undefined) this.#unfinishedCount -= 1;
    }
    return step && this.#begin(step);
  }

  /**
   * Tells the core what happened to a job, all in one transaction, and returns the job as it is then.
   *
   * @throws Error when there is no such job; StoreError when the store cannot be written.
   */
  async apply(jobId: string, events: readonly JobEvent[]): Promise<StoredJob> {
    const step = await this.#parts.store.transaction(async (tx) => {
      const job = required(await tx.loadJob(jobId), `job ${jobId}`);
      return this.#step(tx, job, events);
    }, durabilityFor(events));
    return this.#perform(step);
  }

  /**
   * Asks for the end of a job, and returns the job as it is then; undefined when there is none.
   *
   * @throws StoreError when the store cannot be written.
   */
  async cancel(jobId: string): Promise<StoredJob | undefined> {
    const { store, clock } = this.#parts;
    const step = await store.transaction(async (tx) => {
      const job = await tx.loadJob(jobId);
      return job && this.#step(tx, job, [{ type: 'cancel-requested', atMs: clock.nowMs() }]);
    });
    return step && this.#perform(step);
  }

  /**
   * Lets an ended job go on; durable when it resolves. Failures: `unavailable` (no room for one more job),
   * `conflict` (the job is not any more as `job` says, or there is nothing to do).
   *
   * @throws StoreError when the store cannot be written.
   */
  async retry(job: StoredJob, request: RetryRequest): Promise<Result<StoredJob, Failure>> {
    const room = this.checkRoom();
    if (!room.ok) return room;
    this.#unfinishedCount += 1;
    let step: Step | undefined;
    try {
      step = await this.#retry(job, request);
    } finally {
      if (step === undefined) this.#unfinishedCount -= 1;
    }
    if (step !== undefined) return ok(this.#begin(step));
    return err(failure('conflict', 'The job has changed meanwhile. Look at it again.'));
  }

  /**
   * Marks a job as being deleted and cancels it if it still runs; durable when it resolves. Nobody sees the
   * job any more; its end, if it has not ended, still comes. False when there is no such job.
   *
   * @throws StoreError when the store cannot be written.
   */
  async delete(jobId: string): Promise<boolean> {
    const { store, clock, feed } = this.#parts;
    const step = await store.transaction(async (tx) => {
      const job = await tx.loadJob(jobId);
      if (job === undefined || !(await tx.markDeleted(jobId, clock.nowMs()))) return undefined;
      if (isTerminalJob(job.state.phase)) return { after: job, effects: [] };
      return this.#step(tx, job, [{ type: 'cancel-requested', atMs: clock.nowMs() }]);
    });
    if (step === undefined) return false;
    this.#perform(step);
    // Followers look for the job, and end when it is not there.
    feed.wake(jobId);
    return true;
  }

  /**
   * Takes up the jobs that an earlier life of the service left unfinished: what it was running is
   * lost, what was ready is offered again, what was delayed gets its timer back. A job that can't be
   * taken up because of a bug is logged and left alone, so that the others go on. No job is submitted
   * before it is done.
   *
   * @throws StoreError when the store cannot be read or written.
   */
  async recover(): Promise<void> {
    const { store, logger } = this.#parts;
    const jobIds = await store.listUnfinishedJobIds();
    this.#unfinishedCount = jobIds.length;
    for (const jobId of jobIds) {
      try {
        await this.#recoverJob(jobId);
        logger.info({ jobId }, 'took up an unfinished job');
      } catch (error) {
        if (error instanceof StoreError) throw error;
        logger.error({ jobId, error }, 'an unfinished job could not be taken up');
      }
    }
  }

  /** Calls back when a running attempt has to end; returns how to stop listening. */
  onStop(listener: (key: AttemptKey) => void): () => void {
    this.#stopListeners.add(listener);
    return () => this.#stopListeners.delete(listener);
  }

  /** Calls back for each job that is to be worked on: a new one, a retried one, one taken up. */
  onBegin(listener: (job: StoredJob) => void): () => void {
    this.#beginListeners.add(listener);
    return () => this.#beginListeners.delete(listener);
  }

  /** Calls back once after each job's end, once it is stored; returns how to stop listening. */
  onEnd(listener: EndListener): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /**
   * Cancels the timers (delayed nodes keep their due time in the store) and waits for what follows the
   * end of jobs. Idempotent.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await Promise.all(this.#endings);
  }

  async #recoverJob(jobId: string): Promise<void> {
    const { store, dispatch, clock } = this.#parts;
    const step = await store.transaction(async (tx) => {
      const job = await tx.loadJob(jobId);
      if (job === undefined || isTerminalJob(job.state.phase)) return undefined;
      const lost = await transit(tx, job, lostAttempts(job.state, clock.nowMs()));
      const resumed = resume(lost.after.state);
      await dispatch.offer(tx, await this.#offersIn(tx, lost.after, resumed));
      return { ...lost, effects: [...lost.effects, ...resumed] };
    });
    if (step === undefined) this.#unfinishedCount -= 1;
    else this.#begin(step);
  }

  #insert(job: StoredJob, claim: KeyClaim | undefined): Promise<Step | undefined> {
    const { store, clock } = this.#parts;
    const { id: jobId, tenant } = job.state;
    return store.transaction(async (tx) => {
      if (claim !== undefined) {
        const holder = await tx.claimKey({ ...claim, tenant, jobId, createdAtMs: clock.nowMs() });
        if (holder.jobId !== jobId) return undefined;
      }
      await tx.insertJob(job);
      return this.#step(tx, job, [{ type: 'job-submitted', atMs: clock.nowMs() }]);
    });
  }

  /** Undefined, with nothing changed, when the job is another one than was expected. */
  #retry(job: StoredJob, request: RetryRequest): Promise<Step | undefined> {
    const { store, clock } = this.#parts;
    return store.transaction(async (tx) => {
      const current = await tx.loadJob(job.state.id);
      if (current === undefined || !isDeepStrictEqual(current, job)) return undefined;
      const event: JobEvent = { ...request, type: 'retry-requested', atMs: clock.nowMs() };
      const step = await this.#step(tx, current, [event]);
      if (step.after.state === current.state) return undefined;
      // What could not be removed yet may be published anew.
      await tx.finishRemoval({ jobId: current.state.id, scope: 'published' });
      return step;
    });
  }

  async #step(tx: StoreTransaction, before: StoredJob, events: readonly JobEvent[]): Promise<Step> {
    const { dispatch } = this.#parts;
    const { id } = before.state;
    const step = await transit(tx, before, await this.#current(tx, id, events));
    for (const effect of step.effects) {
      if (effect.type === 'withdraw-node') await dispatch.withdraw(tx, id, effect.nodeId);
    }
    await dispatch.offer(tx, await this.#offersIn(tx, step.after, step.effects));
    return step;
  }

  /** What is to be offered; nodes whose result is kept as the little work that they are. */
  async #offersIn(
    tx: StoreTransaction,
    job: StoredJob,
    effects: readonly Effect[],
  ): Promise<readonly Offer[]> {
    const offers = effects.flatMap((effect) =>
      effect.type === 'offer-node' ? [effect.offer] : [],
    );
    const { kinds } = this.#parts;
    return kinds === undefined ? offers : withKeptResults(tx, job, { offers, kinds });
  }

  /** The events that count: the end of an attempt whose lease was fenced does not. */
  async #current(
    tx: StoreTransaction,
    jobId: string,
    events: readonly JobEvent[],
  ): Promise<readonly JobEvent[]> {
    const current: JobEvent[] = [];
    for (const event of events) {
      const isFenced =
        isAttemptEnd(event) &&
        !(await this.#parts.dispatch.settle(tx, {
          jobId,
          nodeId: event.nodeId,
          attempt: event.attempt,
        }));
      if (isFenced) this.#parts.logger.warn({ jobId, event }, 'a fenced attempt ended; ignored');
      else current.push(event);
    }
    return current;
  }

  #begin(step: Step): StoredJob {
    for (const listener of this.#beginListeners) listener(step.after);
    return this.#perform(step);
  }

  /** Does what follows from a committed step and is not state; returns the job as it is now. */
  #perform({ after, effects }: Step): StoredJob {
    const jobId = after.state.id;
    if (effects.some(({ type }) => type === 'notify')) this.#parts.feed.wake(jobId);
    for (const effect of effects) {
      if (effect.type === 'stop-attempt') this.#stop({ ...effect, jobId });
      if (effect.type === 'wake-at') this.#wakeAt(jobId, effect);
    }
    if (effects.some(isJobEnd)) {
      this.#unfinishedCount -= 1;
      this.#cancelTimers(jobId);
      for (const listener of this.#endListeners) this.#tellEnd(listener, after.state);
    }
    return after;
  }

  /** Nothing of a job that has ended is due any more, and by the time its row may be gone. */
  #cancelTimers(jobId: string): void {
    for (const [name, cancel] of this.#timers) {
      if (!name.startsWith(`${jobId}/`)) continue;
      cancel();
      this.#timers.delete(name);
    }
  }

  #tellEnd(listener: EndListener, job: JobState): void {
    const done = (async () => {
      try {
        await listener(job);
      } catch (error) {
        this.#parts.logger.error({ jobId: job.id, error }, 'what follows the end of a job failed');
      }
    })().finally(() => this.#endings.delete(done));
    this.#endings.add(done);
  }

  #stop({ jobId, nodeId, attempt }: AttemptKey): void {
    for (const listener of this.#stopListeners) listener({ jobId, nodeId, attempt });
  }

  /**
   * The wall clock may be set back before or meanwhile. No wait is longer than the delay, and a timer that
   * has run, which is not by the wall clock, has waited long enough.
   */
  #wakeAt(jobId: string, { nodeId, atMs, delayMs }: WakeUp): void {
    if (this.#isClosed) return;
    const { clock, logger } = this.#parts;
    const name = `${jobId}/${nodeId}`;
    this.#timers.get(name)?.();
    const cancel = clock.after(Math.min(atMs - clock.nowMs(), delayMs), () => {
      this.#timers.delete(name);
      const dueMs = Math.max(atMs, clock.nowMs());
      this.apply(jobId, [{ type: 'retry-due', atMs: dueMs, nodeId }]).catch((error: unknown) => {
        // The job may have been deleted since its timer began.
        if (!(error instanceof StoreError)) {
          logger.error({ jobId, nodeId, error }, 'a due retry came to nothing');
          return;
        }
        logger.error({ jobId, nodeId, error }, 'a due retry could not be stored; trying again');
        const again = { atMs: clock.nowMs() + storeRetryMs, delayMs: storeRetryMs };
        this.#wakeAt(jobId, { nodeId, ...again });
      });
    });
    this.#timers.set(name, cancel);
  }
}

/** When a delayed node is due. */
type WakeUp = Omit<Extract<Effect, { readonly type: 'wake-at' }>, 'type'>;

/** The key that the request for a new job came with; see `IdempotencyKey`. */
export type KeyClaim = Pick<IdempotencyKey, 'key' | 'fingerprint'>;

/** Something that follows the end of a job. The engine logs its failure and waits for it in `close`. */
type EndListener = (job: JobState) => Promise<void> | void;

/** A job's way through some events. */
interface Step {
  readonly after: StoredJob;
  readonly effects: readonly Effect[];
}

/** Lets the core handle the events and writes what changed. */
async function transit(
  tx: StoreTransaction,
  before: StoredJob,
  events: readonly JobEvent[],
): Promise<Step> {
  let state = before.state;
  const effects: Effect[] = [];
  for (const event of events) {
    const transition = handle(state, event);
    state = transition.job;
    effects.push(...transition.effects);
  }
  await tx.saveJob(before.state, state);
  const notices = effects.flatMap((effect) => (effect.type === 'notify' ? [effect.notice] : []));
  await tx.appendNotices(state.id, notices);
  // Only a job that succeeded has anything published: not half a set, and nothing that was cancelled.
  const isAbandoned = effects.some(isJobEnd) && state.phase !== 'succeeded';
  if (isAbandoned) await tx.addRemoval({ jobId: state.id, scope: 'published' });
  return { after: { ...before, state }, effects };
}

/**
 * A start need not wait for the disk: its child ends with this machine, and a start that a loss of power
 * undoes leaves a ready node behind, which starts again, with nothing of it counted. That saves every
 * hand-off a flush.
 */
function durabilityFor(events: readonly JobEvent[]): Durability {
  return events.length > 0 && events.every(({ type }) => type === 'attempt-started')
    ? 'process'
    : 'disk';
}

type AttemptEnd = Extract<
  JobEvent,
  { type: 'attempt-succeeded' | 'attempt-failed' | 'attempt-stopped' | 'attempt-released' }
>;

function isAttemptEnd(event: JobEvent): event is AttemptEnd {
  return (
    event.type === 'attempt-succeeded' ||
    event.type === 'attempt-failed' ||
    event.type === 'attempt-stopped' ||
    event.type === 'attempt-released'
  );
}

/** A job that is retried may end more than once, each time with a notice. */
function isJobEnd(effect: Effect): boolean {
  if (effect.type !== 'notify' || effect.notice.type !== 'job') return false;
  return isTerminalJob(effect.notice.phase);
}

function lostAttempts(job: JobState, atMs: number): readonly JobEvent[] {
  return job.nodes
    .filter(({ phase }) => phase === 'running')
    .map(({ id, attempt }) => ({ type: 'attempt-lost', atMs, nodeId: id, attempt }));
}
