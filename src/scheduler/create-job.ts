import { assert } from '../base/assert.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { JobState } from './job-state.ts';

/** What a new job is made of. */
export interface NewJob {
  readonly id: string;
  /** At least one node, no cycle. */
  readonly plan: Plan;
  /** −100 … 100. */
  readonly priority: number;
  /** Wall-clock time of the upload in milliseconds since the epoch. */
  readonly atMs: number;
}

/** A job as the upload finds it: every node waits until `job-submitted` is handled. */
export function createJob({ id, plan, priority, atMs }: NewJob): JobState {
  assert(plan.nodes.length > 0, `the pipeline ${plan.pipeline} has no nodes`);
  return {
    id,
    plan,
    phase: 'queued',
    priority,
    createdAtMs: atMs,
    warnings: [],
    nodes: plan.nodes.map((node) => ({
      id: node.id,
      phase: 'waiting',
      attempt: 0,
      estimate: node.estimate,
      artifacts: [],
    })),
    isCancelling: false,
  };
}
