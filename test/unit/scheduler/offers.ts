import type { Demand } from '../../../src/resources/demand.ts';
import type { Offer } from '../../../src/scheduler/effect.ts';
import { estimateOf } from '../../fakes/plans.ts';

/** What differs from an offer of one core of work with nothing behind it. */
export interface OfferDetails extends Partial<Offer>, Partial<Demand> {
  /** Core-seconds behind the node on its path to the job's end; 0 unless given. */
  readonly tailSec?: number;
  /** Seconds of that path at full width; as many as core-seconds unless given. */
  readonly tailSpanSec?: number;
}

/** An offer of a node with so many core-seconds, of the job called `job`, made at time 0. */
export function offerOf(nodeId: string, coreSeconds: number, details: OfferDetails = {}): Offer {
  const { coresMin, coresMax, memoryBytes, ioSlots, gpus, ...rest } = details;
  const { tailSec = 0, tailSpanSec = tailSec, ...changes } = rest;
  const estimate = estimateOf(coreSeconds, {
    ...(coresMin !== undefined && { coresMin }),
    ...(coresMax !== undefined && { coresMax }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(ioSlots !== undefined && { ioSlots }),
    ...(gpus !== undefined && { gpus }),
  });
  return {
    jobId: 'job',
    nodeId,
    attempt: 1,
    estimate,
    tenant: 'default',
    priority: 0,
    jobCreatedAtMs: 0,
    readyAtMs: 0,
    remainingPathSec: coreSeconds + tailSec,
    remainingSpanSec: coreSeconds / Math.max(1, estimate.demand.coresMax) + tailSpanSec,
    jobRemainingSec: coreSeconds + tailSec,
    ...changes,
  };
}
