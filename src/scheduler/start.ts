import type { Draft } from './draft.ts';
import type { JobEvent } from './event.ts';
import { promote } from './promote.ts';
import { wakeUpOf } from './wake-up.ts';

type EventOf<Type extends JobEvent['type']> = Extract<JobEvent, { readonly type: Type }>;

/** Makes the nodes without needs ready; a repeated submission changes nothing. */
export function jobSubmitted(draft: Draft): void {
  if (draft.job.phase !== 'queued' || draft.isEnding) return;
  if (draft.nodes.some(({ phase }) => phase !== 'waiting')) return;
  draft.notifyJob();
  promote(draft);
}

/**
 * Marks a ready node as running, and the job with its first one. Any other start came too late (the
 * node was cancelled or skipped meanwhile) and its child has to end, unless it is the very attempt that
 * is known to run.
 */
export function attemptStarted(draft: Draft, event: EventOf<'attempt-started'>): void {
  if (draft.runningIndex(event) !== undefined) return;
  const { nodeId, attempt, cores, atMs } = event;
  const index = draft.graph.indexOf.get(nodeId);
  if (index === undefined) return;
  const before = draft.record(index);
  if (before.phase !== 'ready' || attempt !== before.attempt + 1) {
    draft.act({ type: 'stop-attempt', nodeId, attempt });
    return;
  }
  if (draft.job.phase === 'queued') draft.changeJob({ phase: 'running', startedAtMs: atMs });
  const { dueAtMs: _dueAtMs, endedAtMs: _endedAtMs, ...record } = before;
  draft.replace(index, { ...record, phase: 'running', attempt, cores, startedAtMs: atMs });
}

/**
 * Makes a delayed node ready. A timer that fires early (its clock is not the one of the events) is set
 * again rather than trusted or dropped.
 */
export function retryDue(draft: Draft, { nodeId, atMs }: EventOf<'retry-due'>): void {
  const index = draft.graph.indexOf.get(nodeId);
  if (index === undefined || draft.record(index).phase !== 'delayed') return;
  const due = wakeUpOf(draft.record(index));
  if (atMs < due.atMs) draft.act(due);
  else draft.makeReady(index, {});
}
