import { deepEqual, equal } from 'node:assert/strict';
import type { FailureCode } from '../../../src/base/failure.ts';
import type { Artifact } from '../../../src/graph/artifact.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import type { MediaRole } from '../../../src/graph/media-role.ts';
import type { Expansion, Plan } from '../../../src/pipeline/plan.ts';
import { createJob } from '../../../src/scheduler/create-job.ts';
import type { Effect, Notice } from '../../../src/scheduler/effect.ts';
import type { JobEvent } from '../../../src/scheduler/event.ts';
import { handle } from '../../../src/scheduler/handle.ts';
import { violations } from '../../../src/scheduler/invariants.ts';
import type { JobState, JobWarning, NodeRecord } from '../../../src/scheduler/job-state.ts';
import type { RetryRequest } from '../../../src/scheduler/kept-nodes.ts';
import { planOf } from '../../fakes/plans.ts';
import type { NodeDetails } from '../../fakes/plans.ts';
import { artifactOf } from '../../fakes/random-jobs.ts';

/** What a successful attempt brings. */
export interface Success {
  readonly artifacts?: readonly Artifact[];
  /** Instead of artifacts: one of each of these roles. */
  readonly roles?: readonly MediaRole[];
  readonly warnings?: readonly JobWarning[];
  readonly media?: MediaProbe;
  readonly expansion?: Expansion;
}

/**
 * A job as a script of events. Every method tells the core one fact at {@link nowMs} and returns the
 * effects as short texts (see {@link effectText}), in order; the invariants are checked after each.
 */
export class JobScript {
  nowMs = 0;
  job: JobState;

  constructor(plan: Plan, id = 'job') {
    this.job = createJob({ id, plan, priority: 0, atMs: 0 });
  }

  /** What the core makes of an event, as texts. */
  apply(event: JobEvent): readonly string[] {
    return this.effectsOf(event).map(effectText);
  }

  /** What the core makes of an event. */
  effectsOf(event: JobEvent): readonly Effect[] {
    const before = JSON.stringify(this.job);
    const { job, effects } = handle(this.job, event);
    equal(JSON.stringify(this.job), before, 'the job before the event is left as it was');
    deepEqual(violations(job), []);
    for (const effect of effects) {
      if (effect.type === 'notify') equal(effect.notice.atMs, event.atMs);
    }
    this.job = job;
    return effects;
  }

  submit(): readonly string[] {
    return this.apply({ type: 'job-submitted', atMs: this.nowMs });
  }

  /** Starts the next attempt of a node, unless another number is given. */
  start(nodeId: string, cores = 1, attempt = this.node(nodeId).attempt + 1): readonly string[] {
    return this.apply({ type: 'attempt-started', atMs: this.nowMs, nodeId, attempt, cores });
  }

  succeed(nodeId: string, success: Success = {}): readonly string[] {
    const { roles = [], artifacts, warnings = [], media, expansion } = success;
    return this.apply({
      type: 'attempt-succeeded',
      ...this.#facts(nodeId),
      artifacts: artifacts ?? roles.map((role) => artifactOf(nodeId, role)),
      warnings,
      ...(media && { media }),
      ...(expansion && { expansion }),
    });
  }

  fail(nodeId: string, code: FailureCode): readonly string[] {
    const failure = { code, message: `It was ${code}.` };
    return this.apply({ type: 'attempt-failed', ...this.#facts(nodeId), failure });
  }

  lose(nodeId: string): readonly string[] {
    return this.apply({ type: 'attempt-lost', ...this.#facts(nodeId) });
  }

  release(nodeId: string): readonly string[] {
    return this.apply({ type: 'attempt-released', ...this.#facts(nodeId) });
  }

  stop(nodeId: string): readonly string[] {
    return this.apply({ type: 'attempt-stopped', ...this.#facts(nodeId) });
  }

  due(nodeId: string): readonly string[] {
    return this.apply({ type: 'retry-due', atMs: this.nowMs, nodeId });
  }

  cancel(): readonly string[] {
    return this.apply({ type: 'cancel-requested', atMs: this.nowMs });
  }

  /** Retries the ended job, by the plan that it has unless there is another one. */
  retry(request: Partial<RetryRequest> = {}): readonly string[] {
    const { plan } = this.job;
    return this.apply({ type: 'retry-requested', atMs: this.nowMs, plan, ...request });
  }

  /** Starts each node and lets it succeed, one after the other. */
  run(...nodeIds: readonly string[]): void {
    for (const nodeId of nodeIds) {
      this.start(nodeId);
      this.succeed(nodeId);
    }
  }

  /** The record of a node. */
  node(nodeId: string): NodeRecord {
    const record = this.job.nodes.find(({ id }) => id === nodeId);
    if (record === undefined) throw new Error(`there is no node ${nodeId}`);
    return record;
  }

  /** The phases of the job and its nodes, e.g. `running: a succeeded, b ready`. */
  get phases(): string {
    const nodes = this.job.nodes.map(({ id, phase }) => `${id} ${phase}`);
    return `${this.job.phase}: ${nodes.join(', ')}`;
  }

  #facts(nodeId: string) {
    return { atMs: this.nowMs, nodeId, attempt: this.node(nodeId).attempt };
  }
}

/** A submitted job of a plan from a small text; see `planOf`. */
export function submitted(
  text: string,
  details: Readonly<Record<string, NodeDetails>> = {},
): JobScript {
  const script = new JobScript(planOf(text, details));
  script.submit();
  return script;
}

/** An effect as a short text: `tell a running #1 on 2`, `offer a #1`, `wake a at 1000`. */
export function effectText(effect: Effect): string {
  switch (effect.type) {
    case 'notify':
      return noticeText(effect.notice);
    case 'offer-node':
      return `offer ${effect.offer.nodeId} #${effect.offer.attempt}`;
    case 'withdraw-node':
      return `withdraw ${effect.nodeId}`;
    case 'stop-attempt':
      return `stop ${effect.nodeId} #${effect.attempt}`;
    case 'wake-at':
      return `wake ${effect.nodeId} at ${effect.atMs}`;
    default:
      return effect satisfies never;
  }
}

function noticeText(notice: Notice): string {
  switch (notice.type) {
    case 'node': {
      const cores = notice.cores === undefined ? '' : ` on ${notice.cores}`;
      return `tell ${notice.nodeId} ${notice.phase} #${notice.attempt}${cores}`;
    }
    case 'warning':
      return `warn ${notice.warning.nodeId ?? 'job'} ${notice.warning.code}`;
    case 'job': {
      const { failure } = notice;
      const cause = failure === undefined ? '' : ` (${failure.nodeId} ${failure.code})`;
      return `tell job ${notice.phase}${cause}`;
    }
    default:
      return notice satisfies never;
  }
}
