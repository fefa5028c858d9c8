import type { Logger } from '../base/logger.ts';
import type { JobState } from '../scheduler/job-state.ts';
import type { Storage } from '../storage/storage.ts';
import type { AttemptKey, Workspace } from '../storage/workspace.ts';
import { StoreError } from '../store/store-error.ts';
import type { Store } from '../store/store.ts';
import { intermediatesOf } from './artifacts.ts';

/**
 * Removes the upload of a job that has ended and every file of it that is no product: what only its nodes
 * needed, and what attempts of before a retry had made. The job can't be retried any more. When it resolves,
 * they are off the disk; the upload goes last, as it is by their uploads that {@link sweep} finds jobs.
 */
export async function removeSource(job: JobState, workspace: Workspace): Promise<void> {
  await workspace.removeFiles(intermediatesOf(job).map(({ path }) => path));
  await removeStaleAttempts(job, workspace);
  await workspace.removeUpload(job.id);
}

/** Removes the outputs of attempts that are none of the job's: their end was never stored, or undone. */
async function removeStaleAttempts(job: JobState, workspace: Workspace): Promise<void> {
  const promoted = await workspace.listPromoted(job.id);
  const stale = promoted.filter((key) => !isOutputOf(job, key));
  await workspace.removeOutputs(stale);
}

function isOutputOf(job: JobState, key: AttemptKey): boolean {
  return job.nodes.some(
    ({ id, attempt, phase }) =>
      id === key.nodeId && attempt === key.attempt && phase === 'succeeded',
  );
}

/** What {@link sweep} works with. */
export interface SweepParts {
  readonly store: Store;
  readonly workspace: Workspace;
  readonly storage: Storage;
  readonly logger: Logger;
}

/**
 * Removes what an earlier life of the service left behind: uploads that no job came of, whole or partial,
 * sources whose removal was begun, outputs of attempts whose end was never stored, and products that were
 * being stored. Nothing may run or be uploaded meanwhile. It looks at the jobs whose upload is still there,
 * which are those that have not ended or may still be retried, so it takes no longer with every job that is
 * over. What cannot be removed is logged and takes up room until the next start.
 *
 * @throws StoreError when the store cannot be read.
 */
export async function sweep(parts: SweepParts): Promise<void> {
  const swept = await parts.storage.sweep();
  if (!swept.ok) parts.logger.error({ failure: swept.error }, swept.error.message);
  for (const jobId of await parts.workspace.listUploads()) {
    try {
      await sweepJob(jobId, parts);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      parts.logger.error({ jobId, error }, 'files of an earlier life could not be removed');
    }
  }
}

async function sweepJob(jobId: string, { store, workspace, logger }: SweepParts): Promise<void> {
  const job = await store.readJob(jobId);
  if (job === undefined) {
    await workspace.removeUpload(jobId);
    logger.info({ jobId }, 'removed an upload that no job came of');
    return;
  }
  if (job.sourceRemovedAtMs === undefined) {
    await removeStaleAttempts(job.state, workspace);
    return;
  }
  await removeSource(job.state, workspace);
  logger.info({ jobId }, 'removed a source whose removal had begun');
}
