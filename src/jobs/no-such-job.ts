import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';

/** The answer to whoever asks for a job that is not there, or not any more. */
export function noSuchJob(jobId: string): Failure {
  return failure('not_found', `There is no job ${jobId}.`);
}
