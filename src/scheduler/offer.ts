import { required } from '../base/assert.ts';
import type { Offer } from './effect.ts';
import type { JobState } from './job-state.ts';
import { remainingWork } from './remaining-work.ts';

/** The offers of the ready nodes that `isWanted` (by position) accepts, in the order of the plan. */
export function offersOf(
  job: JobState,
  isWanted: (index: number) => boolean = () => true,
): readonly Offer[] {
  const indexes = [...job.nodes.keys()].filter(
    (index) => job.nodes[index]?.phase === 'ready' && isWanted(index),
  );
  if (indexes.length === 0) return [];
  const { jobSec, pathSec, spanSec } = remainingWork(job);
  return indexes.map((index) => {
    const record = required(job.nodes[index], `node ${index}`);
    return {
      jobId: job.id,
      nodeId: record.id,
      attempt: record.attempt + 1,
      estimate: record.estimate,
      tenant: job.tenant,
      priority: job.priority,
      ...(record.lostCount !== undefined && { lostCount: record.lostCount }),
      jobCreatedAtMs: job.createdAtMs,
      readyAtMs: record.dueAtMs ?? record.endedAtMs ?? record.queuedAtMs ?? job.createdAtMs,
      remainingPathSec: required(pathSec[index], `path of ${record.id}`),
      remainingSpanSec: required(spanSec[index], `span of ${record.id}`),
      jobRemainingSec: jobSec,
    };
  });
}
