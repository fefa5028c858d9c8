import { required } from '../base/assert.ts';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { PlannedNode } from '../pipeline/plan.ts';
import type { Draft } from './draft.ts';
import { endIfDone, failFast } from './end.ts';
import type { JobEvent } from './event.ts';
import { expand } from './expand.ts';
import { countedAttempt } from './job-state.ts';
import { promote } from './promote.ts';
import { isRetried, retryDelayMs } from './retry-policy.ts';

type EventOf<Type extends JobEvent['type']> = Extract<JobEvent, { readonly type: Type }>;

/**
 * Makes the attempt's artifacts the node's, and starts what waited for them. After a cancel they are
 * dropped: cancel wins. While the job is failing they are kept, as a retry of the job can use them, but
 * nothing new starts.
 */
export function attemptSucceeded(draft: Draft, event: EventOf<'attempt-succeeded'>): void {
  const index = draft.runningIndex(event);
  if (index === undefined) return;
  if (draft.job.isCancelling) {
    draft.endNode(index, 'cancelled');
    return endIfDone(draft);
  }
  const { artifacts, isReused } = event;
  draft.endNode(index, 'succeeded', { artifacts, ...(isReused && { isReused }) });
  for (const warning of event.warnings) draft.warn(warning);
  if (event.media !== undefined && event.expansion !== undefined) {
    expand(draft, event.media, event.expansion);
  }
  goOn(draft);
}

/**
 * Delays the node when its failure is worth another attempt, else ends it: an optional one with a
 * warning, any other one together with the job.
 */
export function attemptFailed(draft: Draft, event: EventOf<'attempt-failed'>): void {
  const index = draft.runningIndex(event);
  if (index === undefined) return;
  if (draft.isEnding) return endWhileEnding(draft, index, event.failure);
  const { retry } = plannedNode(draft, index);
  const attempt = countedAttempt(draft.record(index));
  if (!isRetried(event.failure, retry, attempt)) return failNode(draft, index, event.failure);
  const delayMs = retryDelayMs(retry, { ...event, attempt, jobId: draft.job.id });
  const ended = { failure: event.failure, endedAtMs: draft.atMs };
  if (delayMs === 0) return draft.makeReady(index, ended);
  const dueAtMs = draft.atMs + delayMs;
  draft.replace(index, { ...draft.record(index), ...ended, phase: 'delayed', dueAtMs });
  draft.act({ type: 'wake-at', nodeId: event.nodeId, atMs: dueAtMs, delayMs });
}

/**
 * Most attempts of a node that may be lost. Only a crash loses one: a service that stops in good order
 * hands its nodes back, which never counts. A power cut is not the node's failure either and uses up no
 * retry; but a file that takes the service down with it must not do so for ever.
 */
export const lostCountMax = 5;

/** Offers the node again at once: the worker is gone, so waiting would help nobody. */
export function attemptLost(draft: Draft, event: EventOf<'attempt-lost'>): void {
  const index = draft.runningIndex(event);
  if (index === undefined) return;
  const cause = failure('lost', `The worker that ran "${event.nodeId}" is gone.`);
  if (draft.isEnding) {
    draft.endNode(index, 'cancelled');
    return endIfDone(draft);
  }
  const before = draft.record(index);
  const lostCount = (before.lostCount ?? 0) + 1;
  const excusedCount = (before.excusedCount ?? 0) + 1;
  if (lostCount > lostCountMax) return failNode(draft, index, cause);
  draft.makeReady(index, { failure: cause, endedAtMs: draft.atMs, lostCount, excusedCount });
}

/**
 * Offers a node again that its worker handed back, as if this attempt had not been made: no retry is
 * used up, and unlike a lost attempt it is no sign that the node does harm.
 */
export function attemptReleased(draft: Draft, event: EventOf<'attempt-released'>): void {
  const index = draft.runningIndex(event);
  if (index === undefined) return;
  if (draft.isEnding) {
    draft.endNode(index, 'cancelled');
    return endIfDone(draft);
  }
  const excusedCount = (draft.record(index).excusedCount ?? 0) + 1;
  draft.makeReady(index, { endedAtMs: draft.atMs, excusedCount });
}

/**
 * Marks a node as cancelled that was asked to stop. When nobody asked, the attempt was stopped together
 * with its worker, which hands it back: a job never ends because a process did.
 */
export function attemptStopped(draft: Draft, event: EventOf<'attempt-stopped'>): void {
  if (!draft.isEnding) return attemptReleased(draft, { ...event, type: 'attempt-released' });
  const index = draft.runningIndex(event);
  if (index === undefined) return;
  draft.endNode(index, 'cancelled');
  endIfDone(draft);
}

/** A running node's failure after the job's end was decided: the first cause is kept. */
function endWhileEnding(draft: Draft, index: number, cause: Failure): void {
  const wasStopped = draft.job.isCancelling || cause.code === 'cancelled';
  if (wasStopped) draft.endNode(index, 'cancelled');
  else draft.endNode(index, 'failed', { failure: cause });
  endIfDone(draft);
}

function failNode(draft: Draft, index: number, cause: Failure): void {
  const { id: nodeId, optional } = plannedNode(draft, index);
  draft.endNode(index, 'failed', { failure: cause });
  if (!optional) return failFast(draft, { ...cause, nodeId });
  const message = `"${nodeId}" failed, and the job went on without it: ${cause.message}`;
  draft.warn({ code: cause.code, message, nodeId });
  goOn(draft);
}

function goOn(draft: Draft): void {
  if (!draft.isEnding) promote(draft);
  endIfDone(draft);
}

function plannedNode(draft: Draft, index: number): PlannedNode {
  return required(draft.graph.nodes[index], `node ${index}`);
}
