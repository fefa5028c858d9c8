import { failure, type Failure } from '../base/failure.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { JobState } from '../scheduler/job-state.ts';

/** What the uploader gets: the products that exist so far, in pipeline order. */
export function productsOf(job: JobState): readonly Artifact[] {
  return job.nodes.flatMap((node) => node.artifacts.filter((artifact) => artifact.product));
}

/** Files that only other nodes of the job needed, in pipeline order. */
export function intermediatesOf(job: JobState): readonly Artifact[] {
  return job.nodes.flatMap((node) => node.artifacts.filter((artifact) => !artifact.product));
}

/** The answer to whoever wants a product past its retention. */
export function productsExpired(): Failure {
  return failure('expired', 'The products of this job are past their retention and were removed.');
}
