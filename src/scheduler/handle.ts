import { unreachable } from '../base/assert.ts';
import { Draft } from './draft.ts';
import type { Transition } from './draft.ts';
import { cancelRequested } from './end.ts';
import type { JobEvent } from './event.ts';
import type { JobState } from './job-state.ts';
import { retryRequested } from './retry.ts';
import { attemptFailed, attemptLost, attemptReleased } from './settle.ts';
import { attemptStopped, attemptSucceeded } from './settle.ts';
import { attemptStarted, jobSubmitted, retryDue } from './start.ts';

/**
 * What an event makes of a job: its next state, and what the shell has to do once that is stored. Pure:
 * the same job and event give the same answer. It never throws for an event that is late, repeated or
 * about a node that does not exist; such an event changes nothing.
 *
 * | event             | node                                   | job                                |
 * | ----------------- | -------------------------------------- | ---------------------------------- |
 * | job-submitted     | waiting → ready, where nothing is needed | (its first notice)               |
 * | attempt-started   | ready → running                        | queued → running                   |
 * | attempt-succeeded | running → succeeded; dependents → ready, skipped | → succeeded with the last |
 * | attempt-failed    | running → delayed, ready or failed     | → failed, once nothing runs        |
 * | attempt-lost      | running → ready or failed              | → failed, once nothing runs        |
 * | attempt-released  | running → ready                        |                                    |
 * | attempt-stopped   | running → cancelled                    | → cancelled or failed with the last |
 * | retry-due         | delayed → ready                        |                                    |
 * | cancel-requested  | all but running and ended → cancelled  | → cancelled, once nothing runs     |
 * | retry-requested   | ended and not kept → waiting → ready, skipped | ended → running, queued     |
 */
export function handle(job: JobState, event: JobEvent): Transition {
  const draft = new Draft(job, event.atMs);
  apply(draft, event);
  return draft.finish();
}

function apply(draft: Draft, event: JobEvent): void {
  switch (event.type) {
    case 'job-submitted':
      return jobSubmitted(draft);
    case 'attempt-started':
      return attemptStarted(draft, event);
    case 'attempt-succeeded':
      return attemptSucceeded(draft, event);
    case 'attempt-failed':
      return attemptFailed(draft, event);
    case 'attempt-lost':
      return attemptLost(draft, event);
    case 'attempt-released':
      return attemptReleased(draft, event);
    case 'attempt-stopped':
      return attemptStopped(draft, event);
    case 'retry-due':
      return retryDue(draft, event);
    case 'cancel-requested':
      return cancelRequested(draft);
    case 'retry-requested':
      return retryRequested(draft, event);
    default:
      return unreachable(event);
  }
}
