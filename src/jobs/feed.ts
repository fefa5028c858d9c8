import type { JobUpdate } from './job-service.ts';

/** A progress report, as followers see it. */
export type Progress = Extract<JobUpdate, { type: 'progress' }>;

/**
 * Tells followers of a job that something is new. It keeps no history: notices are read from the
 * store, and of progress only each node's latest value is kept, so a slow follower costs no memory.
 */
export class JobFeed {
  readonly #subscriptions = new Map<string, Set<Subscription>>();
  readonly #progress = new Map<string, Map<string, number>>();

  /** Starts following; the caller closes the subscription. */
  subscribe(jobId: string): Subscription {
    const followers = this.#subscriptions.get(jobId) ?? new Set();
    this.#subscriptions.set(jobId, followers);
    const subscription = new Subscription(() => {
      followers.delete(subscription);
      if (followers.size === 0) this.#subscriptions.delete(jobId);
    });
    followers.add(subscription);
    return subscription;
  }

  /** New notices of this job are in the store. */
  wake(jobId: string): void {
    for (const subscription of this.#subscriptions.get(jobId) ?? []) subscription.wake();
  }

  /** A running node got further; `fraction` is 0…1. */
  report(jobId: string, nodeId: string, fraction: number): void {
    const nodes = this.#progress.get(jobId) ?? new Map<string, number>();
    this.#progress.set(jobId, nodes.set(nodeId, fraction));
    for (const subscription of this.#subscriptions.get(jobId) ?? []) {
      subscription.report({ type: 'progress', nodeId, fraction });
    }
  }

  /** The node no longer runs: its progress is forgotten. */
  clear(jobId: string, nodeId: string): void {
    const nodes = this.#progress.get(jobId);
    nodes?.delete(nodeId);
    if (nodes?.size === 0) this.#progress.delete(jobId);
    for (const subscription of this.#subscriptions.get(jobId) ?? []) subscription.clear(nodeId);
  }

  /** Node id → 0…1 for the running nodes of a job that reported any. */
  progressOf(jobId: string): ReadonlyMap<string, number> {
    return this.#progress.get(jobId) ?? new Map();
  }
}

/** One follower of one job. */
export class Subscription {
  readonly #onClose: () => void;
  /** At first there is all that the follower has not read yet. */
  #hasNews = true;
  #progress = new Map<string, Progress>();
  #resume: (() => void) | undefined;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  /** There are new notices: the next (or the pending) `wait` returns. */
  wake(): void {
    this.#hasNews = true;
    this.#resume?.();
  }

  /** Keeps the latest progress of the node for `takeProgress`. */
  report(progress: Progress): void {
    this.#progress.set(progress.nodeId, progress);
    this.#resume?.();
  }

  /** Forgets the progress of a node that ended: it must not be told after its end. */
  clear(nodeId: string): void {
    this.#progress.delete(nodeId);
  }

  /** Whether there may be new notices since the last call; true for the first. */
  takeNews(): boolean {
    const hadNews = this.#hasNews;
    this.#hasNews = false;
    return hadNews;
  }

  /** The progress since the last call, one per node. */
  takeProgress(): readonly Progress[] {
    const taken = [...this.#progress.values()];
    this.#progress = new Map();
    return taken;
  }

  /** Waits until there is news or progress that was not taken yet, or until `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#hasNews || this.#progress.size > 0 || signal.aborted) return;
    await this.#sleep(signal);
  }

  #sleep(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        this.#resume = undefined;
        resolve();
      };
      this.#resume = finish;
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  /** Ends following. */
  close(): void {
    this.#onClose();
  }
}
