import type { Artifact } from '../graph/artifact.ts';
import type { JobState } from '../scheduler/job-state.ts';
import type { Workspace } from '../storage/workspace.ts';

/** What the uploader gets: the products that exist so far, in pipeline order. */
export function productsOf(job: JobState): readonly Artifact[] {
  return job.nodes.flatMap((node) => node.artifacts.filter((artifact) => artifact.product));
}

/** Files that only other nodes of the job needed, in pipeline order. */
export function intermediatesOf(job: JobState): readonly Artifact[] {
  return job.nodes.flatMap((node) => node.artifacts.filter((artifact) => !artifact.product));
}

/**
 * Removes the files that only other nodes needed once the job succeeded. A job that ended otherwise
 * keeps them: it may go on one day, and its finished nodes are not run again then.
 */
export async function removeIntermediates(job: JobState, workspace: Workspace): Promise<void> {
  if (job.phase !== 'succeeded') return;
  for (const { path } of intermediatesOf(job)) await workspace.removeFile(path);
}
