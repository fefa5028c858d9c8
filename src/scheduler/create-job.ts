import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import type { Plan } from '../pipeline/plan.ts';
import { defaultTenant } from './job-state.ts';
import type { JobState } from './job-state.ts';

/** What a new job is made of. */
export interface NewJob {
  readonly id: string;
  /** At least one node, no cycle. */
  readonly plan: Plan;
  /** What the plan was made with, beside the pipeline; nothing when absent. */
  readonly params?: JsonObject;
  /** {@link defaultTenant} when absent. */
  readonly tenant?: string;
  /** True when absent. */
  readonly usesCache?: boolean;
  /** −100 … 100. */
  readonly priority: number;
  /** Wall-clock time of the upload in milliseconds since the epoch. */
  readonly atMs: number;
}

/** A job as the upload finds it: every node waits until `job-submitted` is handled. */
export function createJob(job: NewJob): JobState {
  const { id, plan, params = {}, tenant = defaultTenant, usesCache = true, priority, atMs } = job;
  assert(plan.nodes.length > 0, `the pipeline ${plan.pipeline} has no nodes`);
  return {
    id,
    plan,
    params,
    tenant,
    usesCache,
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
