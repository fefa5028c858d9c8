import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Storage } from '../storage/storage.ts';
import type { Workspace } from '../storage/workspace.ts';
import type { KeptFiles, Removal, Store, StoredJob } from '../store/store.ts';
import { removeSource } from './clean-up.ts';
import { expiryMs, keptMs, type Retention } from './retention.ts';

/** What a janitor works with. */
export interface JanitorParts {
  readonly store: Store;
  readonly workspace: Workspace;
  readonly storage: Storage;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Jobs that are taken up in one transaction, so that none holds the store for long. */
const batchSize = 50;

/** What the log says of a removal. */
const removalTexts: Readonly<Record<Removal['scope'], string>> = {
  job: 'job deleted',
  source: 'source past its retention removed',
  products: 'products past their retention removed',
  published: 'unpublished what a job without success had published',
};

/** Delay before what could not be removed is tried again, in milliseconds: a disk takes time to mend. */
const retryMs = 60_000;

/**
 * Removes what is past its retention and what is being deleted.
 *
 * ```
 * kept ─▶ marked as removed (stored) ─▶ files gone (synced) ─▶ removal forgotten (stored)
 * ```
 *
 * The mark comes first, so a crash at any point leaves a removal in the store, which the next start
 * finishes; doing one twice does no harm. What is due is found by index. Nothing is polled: it wakes for
 * the end of a job, for a deletion, and for the time when the next files are due.
 */
export class Janitor {
  readonly #parts: JanitorParts;
  /** The pass that runs, or the last one; never rejects. */
  #running: Promise<void> = Promise.resolve();
  /** The pass behind it, which all share that ask for one meanwhile. */
  #next: Promise<void> | undefined;
  readonly #waiting = new Map<string, Set<(isComplete: boolean) => void>>();
  /** The removal at hand; passes come one after the other, so there is one at most. */
  #removing: { readonly jobId: string; readonly done: Promise<unknown> } | undefined;
  /** Job whose files are held → until when. */
  readonly #holds = new Map<string, Promise<void>>();
  /** Held jobs with a removal that waits for them. */
  readonly #passedOver = new Set<string>();
  #cancelTimer: () => void = () => {};
  #isClosed = false;

  constructor(parts: JanitorParts) {
    this.#parts = parts;
  }

  /**
   * Looks for what is due, and removes it before it resolves. Never rejects: what cannot be removed is
   * logged and tried again later.
   */
  tidy(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      this.#running = this.#pass();
      return this.#running;
    });
    return this.#next;
  }

  /** Whether the deletion of a job that was just marked is complete; false when the janitor closes before. */
  deleted(jobId: string): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = this.#waiting.get(jobId) ?? new Set();
    this.#waiting.set(jobId, waiting.add(resolve));
    return promise;
  }

  /**
   * Waits for the removal of a job's files that is at hand and for others that hold them, and lets neither
   * begin until what it returns is disposed: who holds them may use the job again. It waits for no other
   * job's files.
   */
  async hold(jobId: string): Promise<Disposable> {
    for (;;) {
      const removing = this.#removing?.jobId === jobId ? this.#removing.done : undefined;
      const obstacle = removing ?? this.#holds.get(jobId);
      if (obstacle === undefined) break;
      await obstacle;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#holds.set(jobId, promise);
    return { [Symbol.dispose]: () => this.#letGo(jobId, resolve) };
  }

  /** Whether files of a job are past their retention, also where no pass has come to them yet. */
  isDue(job: StoredJob, kept: KeptFiles): boolean {
    const { retention, clock } = this.#parts;
    const dueMs = expiryMs(job, kept, retention);
    return dueMs !== undefined && dueMs <= clock.nowMs();
  }

  /** Stops after the removal at hand; what is left is for the next start. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    await this.tidy();
    for (const jobId of this.#waiting.keys()) this.#tellDeleted(jobId, false);
  }

  async #pass(): Promise<void> {
    this.#cancelTimer();
    if (this.#isClosed) return;
    const { clock, logger } = this.#parts;
    let dueMs: number | undefined;
    try {
      await this.#expire('products');
      await this.#expire('source');
      await this.#expireKeys();
      const isAllRemoved = await this.#removeListed();
      dueMs = isAllRemoved ? await this.#nextDueMs() : clock.nowMs() + retryMs;
    } catch (error) {
      logger.error({ error }, 'files past their retention could not be looked for; trying again');
      dueMs = clock.nowMs() + retryMs;
    }
    this.#wakeAt(dueMs);
  }

  #wakeAt(dueMs: number | undefined): void {
    if (dueMs === undefined || this.#isClosed) return;
    const { clock } = this.#parts;
    this.#cancelTimer = clock.after(Math.max(0, dueMs - clock.nowMs()), () => void this.tidy());
  }

  async #expire(kept: KeptFiles): Promise<void> {
    const { store, retention, clock } = this.#parts;
    const afterMs = keptMs(retention, kept);
    if (!Number.isFinite(afterMs)) return;
    for (;;) {
      const atMs = clock.nowMs();
      const endMs = await store.nextEnd(kept);
      if (this.#isClosed || endMs === undefined || endMs > atMs - afterMs) return;
      const query = { kept, endedUntilMs: atMs - afterMs, atMs, limit: batchSize };
      await store.transaction((tx) => tx.expireJobs(query));
    }
  }

  async #expireKeys(): Promise<void> {
    const { store, retention, clock } = this.#parts;
    const untilMs = clock.nowMs() - retention.keysMs;
    const oldestMs = await store.oldestKeyMs();
    if (oldestMs === undefined || oldestMs > untilMs) return;
    await store.transaction((tx) => tx.expireKeys(untilMs));
  }

  /** Whether all that was listed is gone. */
  async #removeListed(): Promise<boolean> {
    const { store } = this.#parts;
    let isAllRemoved = true;
    let after: Removal | undefined;
    for (;;) {
      const page = await store.listRemovals({ limit: batchSize, ...(after && { after }) });
      for (const removal of page) {
        if (this.#isClosed) return isAllRemoved;
        if (!(await this.#remove(removal))) isAllRemoved = false;
      }
      after = page.at(-1);
      if (after === undefined) return isAllRemoved;
    }
  }

  #letGo(jobId: string, tell: () => void): void {
    this.#holds.delete(jobId);
    tell();
    if (this.#passedOver.delete(jobId)) void this.tidy();
  }

  async #remove(removal: Removal): Promise<boolean> {
    const { jobId } = removal;
    if (this.#holds.has(jobId)) {
      this.#passedOver.add(jobId);
      return false;
    }
    const done = this.#removeNow(removal);
    this.#removing = { jobId, done };
    try {
      return await done;
    } finally {
      this.#removing = undefined;
    }
  }

  async #removeNow(removal: Removal): Promise<boolean> {
    const { store, logger } = this.#parts;
    const { jobId, scope } = removal;
    try {
      await this.#removeFiles(removal);
      await store.transaction((tx) => tx.finishRemoval(removal));
    } catch (error) {
      logger.error({ jobId, scope, error }, 'files could not be removed; trying again later');
      return false;
    }
    logger.info({ jobId, scope }, removalTexts[scope]);
    if (scope === 'job') this.#tellDeleted(jobId, true);
    return true;
  }

  async #removeFiles({ jobId, scope }: Removal): Promise<void> {
    const { store, workspace, storage } = this.#parts;
    if (scope === 'source') {
      const job = await store.readJob(jobId);
      // Else it is being deleted, and another removal takes care of all of it.
      if (job !== undefined) await removeSource(job.state, workspace);
      return;
    }
    // It may have been retried since it was listed.
    if (scope === 'published' && !isAbandoned(await store.readJob(jobId))) return;
    const removed = await storage.removeJob(jobId);
    if (!removed.ok) throw new Error(removed.error.operatorDetail ?? removed.error.message);
    if (scope !== 'published') await workspace.removeJob(jobId);
  }

  async #nextDueMs(): Promise<number | undefined> {
    const { store, retention } = this.#parts;
    const dueTimes = await Promise.all([
      expiresAtMs(store.nextEnd('source'), keptMs(retention, 'source')),
      expiresAtMs(store.nextEnd('products'), keptMs(retention, 'products')),
      expiresAtMs(store.oldestKeyMs(), retention.keysMs),
    ]);
    const earliestMs = Math.min(...dueTimes);
    return Number.isFinite(earliestMs) ? earliestMs : undefined;
  }

  #tellDeleted(jobId: string, isComplete: boolean): void {
    for (const resolve of this.#waiting.get(jobId) ?? []) resolve(isComplete);
    this.#waiting.delete(jobId);
  }
}

/** Whether a job has ended without success, so that nothing of it is to be public. */
function isAbandoned(job: StoredJob | undefined): boolean {
  return job?.state.phase === 'failed' || job?.state.phase === 'cancelled';
}

async function expiresAtMs(
  sinceMs: Promise<number | undefined>,
  keptForMs: number,
): Promise<number> {
  return ((await sinceMs) ?? Infinity) + keptForMs;
}
