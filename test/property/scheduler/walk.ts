import { deepEqual } from 'node:assert/strict';
import { createJob } from '../../../src/scheduler/create-job.ts';
import type { Effect } from '../../../src/scheduler/effect.ts';
import type { JobEvent } from '../../../src/scheduler/event.ts';
import { handle } from '../../../src/scheduler/handle.ts';
import { violations } from '../../../src/scheduler/invariants.ts';
import { isTerminalJob } from '../../../src/scheduler/job-state.ts';
import type { JobState, NodeRecord } from '../../../src/scheduler/job-state.ts';
import { keptNodes } from '../../../src/scheduler/kept-nodes.ts';
import { resume } from '../../../src/scheduler/resume.ts';
import { probe, artifactOf } from '../../fakes/random-jobs.ts';
import type { Script } from './job-arbitrary.ts';

/** Events that one walk takes at most; random jobs end after a few dozen. */
const eventsMax = 2000;

/**
 * A job on its way through a script, one event after the other, in any order that the world allows. The
 * invariants are checked after every event.
 */
export class Walk {
  job: JobState;
  /** Everything that the core asked for, in order. */
  readonly effects: Effect[] = [];
  readonly #script: Script;
  /** Node id → attempts that do not count in the script: lost, handed back, or before a retry. */
  readonly #excused = new Map<string, number>();
  nowMs = 0;

  constructor(script: Script) {
    this.#script = script;
    this.job = createJob({ id: 'job', plan: script.plan, priority: 0, atMs: 0 });
    this.apply({ type: 'job-submitted', atMs: 0 });
  }

  /** Whether the job has ended. */
  get hasEnded(): boolean {
    return isTerminalJob(this.job.phase);
  }

  /** Lets the core handle an event and returns what it asks for. */
  apply(event: JobEvent): readonly Effect[] {
    const { job, effects } = handle(this.job, event);
    deepEqual(violations(job), []);
    this.job = job;
    this.effects.push(...effects);
    return effects;
  }

  /** Every event that may come next: ready nodes start, running ones end, delayed ones are due. */
  possible(): readonly JobEvent[] {
    return this.job.nodes.flatMap((record) => this.#nextOf(record));
  }

  /** Lets one of the possible events happen a millisecond later; false when there is none. */
  step(choice: number): boolean {
    const events = this.possible();
    const event = events[choice % Math.max(1, events.length)];
    if (event === undefined) return false;
    this.nowMs = event.atMs;
    this.apply(event);
    return true;
  }

  /** Goes on by these choices, then by the first possible event each time, until the job has ended. */
  finish(choices: readonly number[]): void {
    for (let count = 0; !this.hasEnded; count += 1) {
      if (count > eventsMax) throw new Error('the job does not end');
      if (!this.step(choices[count] ?? 0)) throw new Error('the job is stuck');
    }
  }

  /** The service dies and comes back: the state as a store keeps it, and what was running is lost. */
  crash(): void {
    const stored: JobState = JSON.parse(JSON.stringify(this.job));
    this.job = stored;
    for (const { id: nodeId, phase, attempt } of stored.nodes) {
      if (phase !== 'running') continue;
      this.#excused.set(nodeId, (this.#excused.get(nodeId) ?? 0) + 1);
      this.apply({ type: 'attempt-lost', atMs: this.nowMs, nodeId, attempt });
    }
    this.effects.push(...resume(this.job));
  }

  /** The service stops in good order and comes back. */
  restart(): void {
    for (const { id: nodeId, phase, attempt } of this.job.nodes) {
      if (phase !== 'running') continue;
      this.#excused.set(nodeId, (this.#excused.get(nodeId) ?? 0) + 1);
      this.apply({ type: 'attempt-released', atMs: this.nowMs, nodeId, attempt });
    }
    this.job = JSON.parse(JSON.stringify(this.job));
    this.effects.push(...resume(this.job));
  }

  /** Somebody retries the ended job; by the script, its nodes then go as they went at first. */
  retry(nodeIds: readonly string[]): void {
    const { plan, expansion } = this.#script;
    const request = { plan, nodeIds, ...(this.job.media && { expansion }) };
    const isProbed = keptNodes(this.job, request).has('n0');
    const { expansion: _expansion, ...blind } = request;
    const event = isProbed ? request : blind;
    const kept = keptNodes(this.job, event);
    this.apply({ type: 'retry-requested', atMs: this.nowMs, ...event });
    for (const { id, attempt } of this.job.nodes) {
      if (!kept.has(id)) this.#excused.set(id, attempt);
    }
  }

  /** How the running attempt of a node ends, by the script. */
  endOf(record: NodeRecord, atMs: number): JobEvent {
    const { id: nodeId, attempt } = record;
    const script = this.#script;
    const counted = attempt - (this.#excused.get(nodeId) ?? 0);
    const code = script.failures.get(nodeId)?.[counted - 1];
    const facts = { atMs, nodeId, attempt };
    if (code !== undefined) {
      return { type: 'attempt-failed', ...facts, failure: { code, message: `It was ${code}.` } };
    }
    const artifacts = (script.roles.get(nodeId) ?? []).map((role) => artifactOf(nodeId, role));
    const success = { type: 'attempt-succeeded', ...facts, artifacts, warnings: [] } as const;
    if (nodeId !== 'n0') return success;
    return { ...success, media: probe, expansion: script.expansion };
  }

  #nextOf(record: NodeRecord): readonly JobEvent[] {
    const { id: nodeId, phase, attempt, dueAtMs } = record;
    const atMs = this.nowMs + 1;
    if (phase === 'ready') {
      return [{ type: 'attempt-started', atMs, nodeId, attempt: attempt + 1, cores: 1 }];
    }
    if (phase === 'running') return [this.endOf(record, atMs)];
    if (phase === 'delayed') {
      return [{ type: 'retry-due', atMs: Math.max(atMs, dueAtMs ?? 0), nodeId }];
    }
    return [];
  }
}
