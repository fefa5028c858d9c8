import type { Logger } from '../base/logger.ts';
import { isTerminalJob } from '../scheduler/job-state.ts';
import type { JobState } from '../scheduler/job-state.ts';
import type { Workspace } from '../storage/workspace.ts';
import { StoreError } from '../store/store-error.ts';
import type { Store } from '../store/store.ts';
import { intermediatesOf } from './artifacts.ts';

/**
 * Removes the upload of a job that succeeded or was cancelled, and the files that only its nodes needed:
 * it never goes on. A failed job keeps them, as it may go on one day, and its finished nodes are not run
 * again then. Products always stay.
 *
 * The upload goes last: while it is there, {@link sweep} finds the job and does the rest.
 */
export async function cleanUp(job: JobState, workspace: Workspace): Promise<void> {
  if (job.phase !== 'succeeded' && job.phase !== 'cancelled') return;
  for (const { path } of intermediatesOf(job)) await workspace.removeFile(path);
  await workspace.removeUpload(job.id);
}

/** What {@link sweep} works with. */
export interface SweepParts {
  readonly store: Store;
  readonly workspace: Workspace;
  readonly logger: Logger;
}

/**
 * Removes what an earlier life of the service left behind: uploads that no job came of, outputs of
 * attempts whose end was never stored, and the files of ended jobs whose clean-up was cut off. Nothing
 * may run or be uploaded meanwhile. It looks at the jobs whose upload is still there, which are those
 * that have not succeeded, so it takes no longer with every job that did. What cannot be removed is
 * logged and takes up room until the next start.
 *
 * @throws StoreError when the store cannot be read.
 */
export async function sweep(parts: SweepParts): Promise<void> {
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
  for (const key of await workspace.listPromoted(jobId)) {
    const isKept = job.state.nodes.some(
      ({ id, attempt, phase }) =>
        id === key.nodeId && attempt === key.attempt && phase === 'succeeded',
    );
    if (!isKept) await workspace.removeAttempt(key);
  }
  if (isTerminalJob(job.state.phase)) await cleanUp(job.state, workspace);
}
