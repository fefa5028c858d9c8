import type { Draft } from './draft.ts';
import { isTerminalJob, isTerminalNode } from './job-state.ts';
import type { JobFailure, JobPhase } from './job-state.ts';

/**
 * Fails the job: nothing new starts, what runs is stopped. It ends with its last running attempt and
 * keeps this failure, whatever fails after it.
 */
export function failFast(draft: Draft, failure: JobFailure): void {
  draft.changeJob({ failure });
  stopAll(draft);
}

/**
 * Cancels the job: nothing new starts, what runs is stopped. A job that is failing already fails: the
 * first cause wins, and its attempts are being stopped anyway.
 */
export function cancelRequested(draft: Draft): void {
  if (isTerminalJob(draft.job.phase) || draft.isEnding) return;
  draft.changeJob({ isCancelling: true });
  stopAll(draft);
}

function stopAll(draft: Draft): void {
  for (const index of draft.nodes.keys()) {
    const { id: nodeId, phase, attempt } = draft.record(index);
    if (phase === 'running') draft.act({ type: 'stop-attempt', nodeId, attempt });
    else if (!isTerminalNode(phase)) draft.endNode(index, 'cancelled');
  }
  endIfDone(draft);
}

/** Ends the job when its last node has ended. */
export function endIfDone(draft: Draft): void {
  if (!draft.nodes.every(({ phase }) => isTerminalNode(phase))) return;
  const phase = endPhase(draft);
  draft.changeJob({ phase, endedAtMs: draft.atMs, isCancelling: false });
}

function endPhase({ job }: Draft): JobPhase {
  if (job.isCancelling) return 'cancelled';
  return job.failure === undefined ? 'succeeded' : 'failed';
}
