import { required } from '../base/assert.ts';
import type { Effect, Notice } from './effect.ts';
import type { JobState, JobWarning, NodePhase, NodeRecord } from './job-state.ts';
import { isTerminalJob } from './job-state.ts';
import { offersOf } from './offer.ts';
import { graphOf } from './plan-graph.ts';
import type { PlanGraph } from './plan-graph.ts';

/** What an event made of a job. */
export interface Transition {
  /** The same object when nothing changed; unchanged node records keep their reference. */
  readonly job: JobState;
  /** Notices first, in causal order; then actions in causal order; offers last, in plan order. */
  readonly effects: readonly Effect[];
}

/**
 * A job in the middle of one transition: it collects changes and effects, and every change of a phase
 * leaves its notice. It lives only inside one call of `handle`, which is why it may be mutable.
 */
export class Draft {
  readonly atMs: number;
  #graph: PlanGraph;
  #job: JobState;
  /** A copy, made by the first change of a record. */
  #nodes: NodeRecord[] | undefined;
  readonly #notices: Effect[] = [];
  readonly #actions: Effect[] = [];
  readonly #toOffer = new Set<number>();

  constructor(job: JobState, atMs: number) {
    this.#job = job;
    this.atMs = atMs;
    this.#graph = graphOf(job.plan);
  }

  /** The edges of the job's plan. */
  get graph(): PlanGraph {
    return this.#graph;
  }

  /** The job as changed so far, but for its records: see {@link record}. */
  get job(): Omit<JobState, 'nodes'> {
    return this.#job;
  }

  /** The records as changed so far. */
  get nodes(): readonly NodeRecord[] {
    return this.#nodes ?? this.#job.nodes;
  }

  /** The record at a position of the plan. */
  record(index: number): NodeRecord {
    return required(this.nodes[index], `node ${index}`);
  }

  /** Whether the job is on its way to an end that is not success: nothing new starts. */
  get isEnding(): boolean {
    return this.#job.isCancelling || this.#job.failure !== undefined;
  }

  /** The position of a node whose running attempt this is; undefined when the event is stale. */
  runningIndex(event: { readonly nodeId: string; readonly attempt: number }): number | undefined {
    const index = this.graph.indexOf.get(event.nodeId);
    if (index === undefined) return undefined;
    const record = this.record(index);
    return record.phase === 'running' && record.attempt === event.attempt ? index : undefined;
  }

  /** Replaces a record. A change of its phase leaves a notice. */
  replace(index: number, next: NodeRecord): void {
    const before = this.record(index);
    this.#nodes ??= [...this.#job.nodes];
    this.#nodes[index] = next;
    if (next.phase === before.phase) return;
    const { id: nodeId, phase, attempt, cores, isReused } = next;
    const hasCores = phase === 'running' && cores !== undefined;
    const wasReused = phase === 'succeeded' && isReused === true;
    this.notify({
      type: 'node',
      atMs: this.atMs,
      nodeId,
      phase,
      attempt,
      ...(hasCores && { cores }),
      ...(wasReused && { isReused }),
    });
  }

  /** Makes a node ready to start; it is offered when the transition is complete. */
  makeReady(index: number, changes: Partial<NodeRecord>): void {
    this.replace(index, { ...this.record(index), ...changes, phase: 'ready' });
    this.#toOffer.add(index);
  }

  /**
   * Ends a node now. A ready one is withdrawn from the offers. What only concerned its next attempt,
   * or the failure of an earlier one, goes away.
   */
  endNode(index: number, phase: NodePhase, changes: Partial<NodeRecord> = {}): void {
    const before = this.record(index);
    const { dueAtMs: _dueAtMs, failure: _failure, ...record } = before;
    this.replace(index, { ...record, ...changes, phase, endedAtMs: this.atMs });
    if (before.phase === 'ready') this.act({ type: 'withdraw-node', nodeId: before.id });
  }

  /** Changes fields of the job; a change of its phase leaves a notice. */
  changeJob(changes: Partial<Omit<JobState, 'id' | 'plan' | 'nodes'>>): void {
    const before = this.#job;
    this.#job = { ...before, ...changes };
    if (this.#job.phase !== before.phase) this.notifyJob();
  }

  /** Puts another job in the place of this one, with a plan and records of its own; leaves a notice. */
  restart(job: JobState): void {
    this.#job = job;
    this.#nodes = undefined;
    this.#graph = graphOf(job.plan);
    this.notifyJob();
  }

  /** Adds a warning to the job. */
  warn(warning: JobWarning): void {
    this.changeJob({ warnings: [...this.#job.warnings, warning] });
    this.notify({ type: 'warning', atMs: this.atMs, warning });
  }

  /** Tells the watchers the job's phase. */
  notifyJob(): void {
    const { phase, failure } = this.#job;
    const hasFailure = isTerminalJob(phase) && failure !== undefined;
    this.notify({ type: 'job', atMs: this.atMs, phase, ...(hasFailure && { failure }) });
  }

  /** Tells the watchers. */
  notify(notice: Notice): void {
    this.#notices.push({ type: 'notify', notice });
  }

  /** Asks the shell for something other than an offer or a notice. */
  act(effect: Exclude<Effect, { type: 'notify' | 'offer-node' }>): void {
    this.#actions.push(effect);
  }

  /** The result: offers are made of the state that the transition ends in. */
  finish(): Transition {
    const job = this.#nodes === undefined ? this.#job : { ...this.#job, nodes: this.#nodes };
    const offers = offersOf(job, (index) => this.#toOffer.has(index));
    return {
      job,
      effects: [
        ...this.#notices,
        ...this.#actions,
        ...offers.map((offer) => ({ type: 'offer-node', offer }) as const),
      ],
    };
  }
}
