import type { Plan } from '../../../src/pipeline/plan.ts';
import type { Notice } from '../../../src/scheduler/effect.ts';
import type { JobState, NodeRecord } from '../../../src/scheduler/job-state.ts';
import type { StoredJob } from '../../../src/store/store.ts';

const estimate = {
  demand: { coresMin: 1, coresMax: 2, memoryBytes: 1_000_000, ioSlots: 0, gpus: 0 },
  coreSeconds: 12.5,
};

/** A plan with these nodes, each needing the one before. */
export function planOf(...ids: readonly string[]): Plan {
  return {
    pipeline: 'sample',
    nodes: ids.map((id, index) => ({
      id,
      kind: 'transcode',
      needs: ids.slice(Math.max(0, index - 1), index),
      params: { resolution: 720, nested: { list: [1, 'two', null, true] } },
      inputs: [],
      optional: false,
      retry: { attemptsMax: 3, backoffMs: 1000 },
      timeoutMs: 60_000,
      estimate,
    })),
  };
}

/** A job that just arrived. */
export function jobOf(id: string, changes: Partial<JobState> = {}): StoredJob {
  const plan = planOf('validate', 'transcode-720p', 'publish');
  return {
    state: {
      id,
      plan,
      phase: 'queued',
      params: {},
      tenant: 'default',
      usesCache: true,
      priority: 0,
      createdAtMs: 1_760_000_000_000,
      warnings: [],
      nodes: plan.nodes.map((node) => ({
        id: node.id,
        phase: 'waiting',
        attempt: 0,
        estimate,
        artifacts: [],
      })),
      isCancelling: false,
      ...changes,
    },
    upload: {
      name: 'Ferien "am" Meer 🌊.mov',
      bytes: 123_456_789_012,
      sha256: 'ab'.repeat(32),
      path: `incoming/${id}/in`,
    },
  };
}

/** The job with one node changed and every other record shared, as the core does it. */
export function withNode(job: JobState, nodeId: string, changes: Partial<NodeRecord>): JobState {
  return {
    ...job,
    nodes: job.nodes.map((node) => (node.id === nodeId ? { ...node, ...changes } : node)),
  };
}

/** A notice; `atMs` tells them apart. */
export function noticeAt(atMs: number, note = ''): Notice {
  return {
    type: 'warning',
    atMs,
    warning: { code: 'sample', message: `notice ${atMs}${note}`, nodeId: 'validate' },
  };
}
