import type { FailureCode } from '../../src/base/failure.ts';
import { remaining } from '../../src/resources/budget.ts';
import type { Capacity } from '../../src/resources/demand.ts';
import type { Effect, Notice, Offer } from '../../src/scheduler/effect.ts';
import type { JobEvent } from '../../src/scheduler/event.ts';
import type { Transition } from '../../src/scheduler/draft.ts';
import { handle } from '../../src/scheduler/handle.ts';
import { violations } from '../../src/scheduler/invariants.ts';
import { isTerminalJob } from '../../src/scheduler/job-state.ts';
import type { JobState } from '../../src/scheduler/job-state.ts';
import { resume } from '../../src/scheduler/resume.ts';
import { noUsage, usageAfterEnd, usageAfterRound } from '../../src/scheduler/fair-share.ts';
import type { Shares, TenantWeights } from '../../src/scheduler/fair-share.ts';
import { decide } from '../../src/scheduler/select.ts';
import type { Start } from '../../src/scheduler/select.ts';
import type { Random } from './random.ts';

/** How an attempt of a node goes, as the test decides. */
export interface FakeRun {
  /** Real work in core-seconds, which the estimate need not know. */
  readonly workSec: number;
  readonly end:
    | Pick<
        Extract<JobEvent, { type: 'attempt-succeeded' }>,
        'artifacts' | 'warnings' | 'media' | 'expansion'
      >
    | { readonly failure: FailureCode };
}

/** What a simulation is made of. */
export interface HostScript {
  readonly capacity: Capacity;
  readonly random: Random;
  /** Probability with which events come twice, the second time late; 0 for an orderly host. */
  readonly chaos: number;
  /** Latency of storing a start and of ending a stopped child, in milliseconds at most. */
  readonly latencyMsMax: number;
  /** What each core beyond the first adds to a node's real work, as a share of it; 0 when absent. */
  readonly widthLoss?: number;
  /** Tenant → weight; 1 for each when absent. */
  readonly tenantWeights?: TenantWeights;
  run(job: JobState, nodeId: string, attempt: number): FakeRun;
}

/** A start and what became of it. */
export interface Child {
  readonly start: Start;
  readonly startedAtMs: number;
  /** Set while it computes; a child that was only just claimed has not begun. */
  endsAtMs?: number;
}

/** Seconds that work takes on so many cores. */
export function secondsOn(workSec: number, cores: number, widthLoss = 0): number {
  const width = Math.max(1, cores);
  return (workSec * (1 + widthLoss * (width - 1))) / width;
}

interface Action {
  readonly atMs: number;
  /** Order of what happens at the same time. */
  readonly tie: number;
  readonly perform: () => void;
}

/** Steps of one run at most; more means that it goes in circles. */
const stepsMax = 200_000;

/**
 * One host with a manual clock and fake children around the real core: a small discrete-event
 * simulation. It checks the invariants after every event and the ledger after every decision, and
 * throws with the seed and the last events when one is broken.
 */
export class SimulatedHost {
  readonly jobs = new Map<string, JobState>();
  readonly notices: { readonly jobId: string; readonly notice: Notice }[] = [];
  readonly children = new Map<string, Child>();
  /** Every start in order, for looking at afterwards. */
  readonly starts: { readonly start: Start; readonly atMs: number }[] = [];
  /** The most cores that children held at a time. */
  coresHeldMax = 0;
  /** Events that the core handled. */
  eventCount = 0;
  nowMs = 0;
  readonly #script: HostScript;
  /** As a worker has it: it does not outlive a crash. */
  #usage = noUsage;
  readonly #offers = new Map<string, Offer>();
  readonly #log: string[] = [];
  #actions: Action[] = [];

  constructor(script: HostScript) {
    this.#script = script;
  }

  /** Calls back at a time of the manual clock. */
  at(atMs: number, perform: () => void): void {
    const tie = this.#script.chaos > 0 ? this.#script.random.fraction() : 0;
    this.#actions.push({ atMs: Math.max(atMs, this.nowMs), tie, perform });
  }

  /** Submits a job now. */
  submit(job: JobState): void {
    this.jobs.set(job.id, job);
    this.apply(job.id, { type: 'job-submitted', atMs: this.nowMs });
  }

  /** Runs until nothing is left to happen; every job has ended then. */
  run(): void {
    for (let step = 0; step < stepsMax; step += 1) {
      const next = this.#takeNext();
      if (next === undefined) return this.#checkEnd();
      this.nowMs = next.atMs;
      next.perform();
      // Everything that happens at the same time happens before anything is started.
      if (this.#actions.every(({ atMs }) => atMs > this.nowMs)) this.#decide();
    }
    this.#fail('the simulation does not end');
  }

  /** Lets the core handle an event, checks the outcome and performs the effects. */
  apply(jobId: string, event: JobEvent): void {
    const before = this.#job(jobId);
    this.#log.push(describe(jobId, event));
    const { job, effects } = handle(before, event);
    this.eventCount += 1;
    this.#checkTransition(before, { job, effects }, event);
    this.jobs.set(jobId, job);
    for (const effect of effects) this.#perform(jobId, effect);
    const { random, chaos } = this.#script;
    // A retry comes once: the service compares the job with the one that was looked at.
    if (chaos > 0 && event.type !== 'retry-requested' && random.chance(chaos)) {
      const atMs = this.nowMs + random.integer(0, 5000);
      this.at(atMs, () => this.apply(jobId, { ...event, atMs }));
    }
  }

  /**
   * The process dies: children and offers are gone. Then it comes back, reads the jobs as a store keeps
   * them and recovers. Timers of before still fire, as if by a late message.
   */
  crash(): void {
    const zombies = [...this.children.values()];
    this.#usage = noUsage;
    this.children.clear();
    this.#offers.clear();
    for (const { id } of [...this.jobs.values()]) {
      const job: JobState = JSON.parse(JSON.stringify(this.#job(id)));
      this.jobs.set(id, job);
      if (isTerminalJob(job.phase)) continue;
      for (const { id: nodeId, phase, attempt } of job.nodes) {
        if (phase === 'running') this.#lose(job.id, nodeId, attempt);
      }
      for (const effect of resume(this.#job(job.id))) this.#perform(job.id, effect);
    }
    for (const { start } of zombies) this.#reportLate(start);
  }

  /** The service stops in good order: what runs is handed back, and what ends meanwhile counts. */
  restart(): void {
    const running = [...this.children.values()];
    this.children.clear();
    for (const { start, endsAtMs } of running) {
      // A start that was not stored yet never happened.
      if (endsAtMs === undefined) continue;
      const { jobId, nodeId, attempt } = start;
      this.apply(jobId, { type: 'attempt-released', atMs: this.nowMs, nodeId, attempt });
    }
    this.#offers.clear();
    for (const [id, live] of [...this.jobs]) {
      const job: JobState = JSON.parse(JSON.stringify(live));
      this.jobs.set(id, job);
      for (const effect of resume(job)) this.#perform(id, effect);
    }
  }

  /** One child vanishes with its worker; its result still arrives later, and must not count. */
  loseOne(): void {
    const running = [...this.children.values()].filter(({ endsAtMs }) => endsAtMs !== undefined);
    if (running.length === 0) return;
    const child = this.#script.random.pick(running);
    const { start } = child;
    this.#release(child);
    this.#lose(start.jobId, start.nodeId, start.attempt);
    this.#reportLate(start);
  }

  #lose(jobId: string, nodeId: string, attempt: number): void {
    this.apply(jobId, { type: 'attempt-lost', atMs: this.nowMs, nodeId, attempt });
  }

  #reportLate({ jobId, nodeId, attempt }: Start): void {
    this.at(this.nowMs + this.#script.random.integer(0, 3000), () =>
      this.#end({ jobId, nodeId, attempt }),
    );
  }

  #takeNext(): Action | undefined {
    let next: Action | undefined;
    for (const action of this.#actions) {
      const isSooner =
        next === undefined ||
        action.atMs < next.atMs ||
        (action.atMs === next.atMs && action.tie < next.tie);
      if (isSooner) next = action;
    }
    if (next !== undefined) this.#actions = this.#actions.filter((action) => action !== next);
    return next;
  }

  #perform(jobId: string, effect: Effect): void {
    switch (effect.type) {
      case 'offer-node':
        this.#offers.set(`${jobId}/${effect.offer.nodeId}`, effect.offer);
        return;
      case 'withdraw-node':
        this.#offers.delete(`${jobId}/${effect.nodeId}`);
        return;
      case 'stop-attempt':
        this.at(this.nowMs + this.#latencyMs(), () => this.#stop({ jobId, ...effect }));
        return;
      case 'wake-at': {
        const { nodeId, atMs: dueAtMs } = effect;
        const isEarly = this.#script.random.chance(this.#script.chaos);
        const atMs = Math.max(this.nowMs, isEarly ? dueAtMs - 1 : dueAtMs);
        this.at(atMs, () => this.apply(jobId, { type: 'retry-due', atMs: this.nowMs, nodeId }));
        return;
      }
      case 'notify':
        this.notices.push({ jobId, notice: effect.notice });
        return;
      default:
        effect satisfies never;
    }
  }

  #decide(): void {
    const { capacity } = this.#script;
    const running = [...this.children.values()].map(({ start, startedAtMs }) => ({
      ...start,
      startedAtMs,
    }));
    const offers = [...this.#offers.values()];
    const { nowMs } = this;
    const shares = this.#shares;
    const { starts, reconsiderAtMs } = decide({ offers, running, capacity, nowMs, shares });
    this.#usage = usageAfterRound(shares, { offers, running, starts, cores: capacity.cores });
    for (const start of starts) this.#begin(start);
    this.#checkLedger();
    if (this.children.size === 0 && this.#offers.size > 0)
      this.#fail('the host idles before offers');
    if (reconsiderAtMs !== undefined) {
      if (this.children.size === 0) this.#fail('a node waits for cores that nobody holds');
      this.at(reconsiderAtMs, () => undefined);
    }
  }

  #begin(start: Start): void {
    const { jobId, nodeId, attempt, reservation } = start;
    if (this.#offers.get(`${jobId}/${nodeId}`)?.attempt !== attempt)
      this.#fail('started unoffered');
    this.#offers.delete(`${jobId}/${nodeId}`);
    const child: Child = { start, startedAtMs: this.nowMs };
    this.children.set(keyOf(start), child);
    this.starts.push({ start, atMs: this.nowMs });
    this.at(this.nowMs + this.#latencyMs(), () => {
      if (this.children.get(keyOf(start)) !== child) return;
      const atMs = this.nowMs;
      const { cores } = reservation;
      this.apply(jobId, { type: 'attempt-started', atMs, nodeId, attempt, cores });
      const { workSec } = this.#script.run(this.#job(jobId), nodeId, attempt);
      // Counted from the claim, so that a latency of 0 makes durations exact.
      child.endsAtMs = this.nowMs + 1000 * secondsOn(workSec, cores, this.#script.widthLoss);
      this.at(child.endsAtMs, () => {
        if (this.children.get(keyOf(start)) !== child) return;
        this.#release(child);
        this.#end(start);
      });
    });
  }

  #end({ jobId, nodeId, attempt }: Pick<Start, 'jobId' | 'nodeId' | 'attempt'>): void {
    const facts = { atMs: this.nowMs, nodeId, attempt };
    const { end } = this.#script.run(this.#job(jobId), nodeId, attempt);
    if ('failure' in end) {
      const failure = { code: end.failure, message: `It was ${end.failure}.` };
      this.apply(jobId, { type: 'attempt-failed', ...facts, failure });
    } else {
      this.apply(jobId, { type: 'attempt-succeeded', ...facts, ...end });
    }
  }

  #stop(attempt: Pick<Start, 'jobId' | 'nodeId' | 'attempt'>): void {
    const child = this.children.get(keyOf(attempt));
    if (child === undefined) return;
    this.#release(child);
    const { jobId, ...facts } = attempt;
    this.apply(jobId, {
      type: 'attempt-stopped',
      atMs: this.nowMs,
      nodeId: facts.nodeId,
      attempt: facts.attempt,
    });
  }

  #release({ start, startedAtMs }: Child): void {
    this.children.delete(keyOf(start));
    this.#usage = usageAfterEnd(this.#shares, start, (this.nowMs - startedAtMs) / 1000);
  }

  get #shares(): Shares {
    return { usage: this.#usage, weights: this.#script.tenantWeights ?? new Map() };
  }

  #checkTransition(before: JobState, { job: after, effects }: Transition, event: JobEvent): void {
    const found = violations(after);
    if (found.length > 0) this.#fail(found.join('; '));
    if (after !== before && effects.length === 0) this.#fail('a job changed and nobody is told');
    if (event.type === 'retry-requested') return;
    if (after !== before && isTerminalJob(before.phase)) this.#fail('an ended job changed');
    for (const [index, record] of after.nodes.entries()) {
      const old = before.nodes[index];
      if (record !== old && old?.phase === 'succeeded') this.#fail(`${record.id} was done already`);
      if (record !== old && JSON.stringify(record) === JSON.stringify(old)) {
        this.#fail(`an unchanged record of ${record.id} was replaced`);
      }
    }
  }

  #checkLedger(): void {
    const { capacity } = this.#script;
    const held = [...this.children.values()].map(({ start }) => start.reservation);
    for (const resource of ['cores', 'memoryBytes', 'ioSlots', 'gpus'] as const) {
      const sum = held.reduce((total, reservation) => total + reservation[resource], 0);
      if (resource === 'cores') this.coresHeldMax = Math.max(this.coresHeldMax, sum);
      if (sum > capacity[resource]) this.#fail(`${resource} over-committed: ${sum}`);
      if (remaining(capacity, held)[resource] !== capacity[resource] - sum)
        this.#fail('bad budget');
    }
  }

  #checkEnd(): void {
    for (const job of this.jobs.values()) {
      if (!isTerminalJob(job.phase)) this.#fail(`job ${job.id} never ended`);
    }
    if (this.children.size > 0) this.#fail('children are left');
    if (this.#offers.size > 0) this.#fail('offers are left');
  }

  #latencyMs(): number {
    const { random, latencyMsMax } = this.#script;
    return latencyMsMax === 0 ? 0 : random.integer(0, latencyMsMax);
  }

  #job(jobId: string): JobState {
    const job = this.jobs.get(jobId);
    if (job === undefined) throw new Error(`there is no job ${jobId}`);
    return job;
  }

  #fail(message: string): never {
    const story = this.#log.slice(-12).join('\n');
    throw new Error(`seed ${this.#script.random.seed}: ${message}\nthe last events:\n${story}`);
  }
}

function describe(jobId: string, event: JobEvent): string {
  const node = 'nodeId' in event ? ` ${event.nodeId}` : '';
  const attempt = 'attempt' in event ? `#${event.attempt}` : '';
  const failure = 'failure' in event ? ` ${event.failure.code}` : '';
  return `${event.atMs} ${jobId}${node}${attempt} ${event.type}${failure}`;
}

function keyOf({ jobId, nodeId, attempt }: Pick<Start, 'jobId' | 'nodeId' | 'attempt'>): string {
  return `${jobId}/${nodeId}/${attempt}`;
}
