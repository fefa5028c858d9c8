import type { Offer } from '../../../src/scheduler/effect.ts';

/** An offer of the first attempt of a node of the job called `job`. */
export function offerOf(nodeId: string, changes: Partial<Offer> = {}): Offer {
  return {
    jobId: 'job',
    nodeId,
    attempt: 1,
    estimate: {
      demand: { coresMin: 1, coresMax: 2, memoryBytes: 1, ioSlots: 0, gpus: 0 },
      coreSeconds: 1,
    },
    tenant: 'default',
    priority: 0,
    jobCreatedAtMs: 1,
    readyAtMs: 2,
    remainingPathSec: 3,
    remainingSpanSec: 3,
    jobRemainingSec: 4,
    ...changes,
  };
}
