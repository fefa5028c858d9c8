import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { JobEngine } from './engine.ts';
import type { Janitor } from './janitor.ts';
import type { Deletion } from './job-service.ts';
import { noSuchJob } from './no-such-job.ts';

/** What deleting a job takes. */
export interface DeletionParts {
  readonly engine: JobEngine;
  readonly janitor: Janitor;
  readonly clock: Clock;
}

/**
 * How long a deletion is waited for, in milliseconds. A child has two seconds to end and its kind as much
 * again; the rest is for the files.
 */
export const deletionWaitMs = 10_000;

/**
 * Deletes a job with all its files; one that still runs is cancelled first. From its mark on it goes on to
 * its end, whatever happens to the service, and nobody sees the job any more. Failure: `not_found`.
 *
 * @throws StoreError when the store cannot be written.
 */
export async function deleteJob(
  { engine, janitor, clock }: DeletionParts,
  jobId: string,
): Promise<Result<Deletion, Failure>> {
  if (!(await engine.delete(jobId))) {
    return err(noSuchJob(jobId));
  }
  // In the turn of the mark: no removal is so quick.
  const deleted = janitor.deleted(jobId);
  const { promise: overdue, resolve } = Promise.withResolvers<boolean>();
  const cancelTimer = clock.after(deletionWaitMs, () => resolve(false));
  // A job that runs is not listed yet; its end asks for the pass that removes it.
  void janitor.tidy();
  const isComplete = await Promise.race([deleted, overdue]);
  cancelTimer();
  return ok(isComplete ? 'removed' : 'removing');
}
