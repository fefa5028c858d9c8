import { open } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { failure, failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Artifact } from '../graph/artifact.ts';
import { isTerminalJob } from '../scheduler/job-state.ts';
import type { JobState } from '../scheduler/job-state.ts';
import type { Storage, ByteRange } from '../storage/storage.ts';
import type { Workspace } from '../storage/workspace.ts';
import { StoreError } from '../store/store-error.ts';
import type { StoredJob } from '../store/store.ts';
import { productsExpired, productsOf } from './artifacts.ts';
import { deleteJob } from './delete-job.ts';
import type { DeletionParts } from './delete-job.ts';
import type { JobFeed } from './feed.ts';
import type { JobService, JobSnapshot, JobUpdate, OpenedArtifact } from './job-service.ts';
import { noSuchJob } from './no-such-job.ts';
import { retryJob } from './retry-job.ts';
import type { RetryParts } from './retry-job.ts';
import { findByKey, submitJob } from './submit-job.ts';
import type { SubmissionParts } from './submit-job.ts';

/** What the service is made of. */
export interface JobServiceParts extends SubmissionParts, RetryParts, DeletionParts {
  readonly feed: JobFeed;
  readonly storage: Storage;
  readonly clock: Clock;
}

/** Notices read from the store at a time while a job is followed. */
const noticesPerRead = 100;

/** The job service over its parts; see {@link JobService} for what each call promises. */
export function createJobService(parts: JobServiceParts): JobService {
  const { store } = parts;
  return {
    submit: (request) => answering(() => submitJob(parts, request)),
    findByKey: (key) => answering(async () => ok(await findByKey(parts, key))),
    get: (jobId) => answering(() => get(parts, jobId)),
    list: (query) => answering(async () => ok(await store.listJobs(query))),
    cancel: (jobId) => answering(() => cancel(parts, jobId)),
    delete: (jobId) => answering(() => deleteJob(parts, jobId)),
    retry: (jobId, nodeIds = []) => answering(() => retryJob(parts, { jobId, nodeIds })),
    follow: (jobId, afterSequence, signal) => follow(parts, { jobId, afterSequence, signal }),
    openArtifact: (jobId, name, range) =>
      answering(() => openArtifact(parts, { jobId, name }, range)),
  };
}

/** Makes the failures that the store throws failures of the call. */
async function answering<Value>(
  call: () => Promise<Result<Value, Failure>>,
): Promise<Result<Value, Failure>> {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof StoreError) return err(thrown.failure);
    throw thrown;
  }
}

async function get(
  { store, feed }: JobServiceParts,
  jobId: string,
): Promise<Result<JobSnapshot, Failure>> {
  const job = await store.readJob(jobId);
  if (job === undefined) return err(noSuchJob(jobId));
  return ok({ job, progress: feed.progressOf(jobId) });
}

async function cancel(
  { store, engine }: JobServiceParts,
  jobId: string,
): Promise<Result<StoredJob, Failure>> {
  const before = await store.readJob(jobId);
  if (before === undefined) return err(noSuchJob(jobId));
  if (isTerminalJob(before.state.phase)) return err(hasEnded(before.state));
  const after = await engine.cancel(jobId);
  // It may have been deleted, or have ended by itself, between the two.
  if (after === undefined) return err(noSuchJob(jobId));
  const { phase } = after.state;
  return phase === 'succeeded' || phase === 'failed' ? err(hasEnded(after.state)) : ok(after);
}

function hasEnded({ phase }: JobState): Failure {
  return failure('conflict', `The job has already ended (${phase}).`);
}

async function* follow(
  { store, feed }: JobServiceParts,
  from: { jobId: string; afterSequence: number; signal: AbortSignal },
): AsyncIterable<JobUpdate> {
  const { jobId, signal } = from;
  const subscription = feed.subscribe(jobId);
  try {
    let afterSequence = from.afterSequence;
    while (!signal.aborted) {
      // Progress alone, which comes much more often, costs no reading.
      while (subscription.takeNews()) {
        // Read before the notices: whatever ends the job after this line also wakes the subscription.
        const job = await store.readJob(jobId);
        const page = await store.readNotices({ jobId, afterSequence, limit: noticesPerRead });
        for (const stored of page) {
          afterSequence = stored.sequence;
          yield { type: 'notice', ...stored };
        }
        if (page.length === noticesPerRead) subscription.wake();
        else if (job === undefined || isTerminalJob(job.state.phase)) return;
      }
      yield* subscription.takeProgress();
      await subscription.wait(signal);
    }
  } finally {
    subscription.close();
  }
}

async function openArtifact(
  parts: JobServiceParts,
  wanted: { jobId: string; name: string },
  range: ByteRange | undefined,
): Promise<Result<OpenedArtifact, Failure>> {
  const { jobId, name } = wanted;
  const job = await parts.store.readJob(jobId);
  if (job === undefined) return err(noSuchJob(jobId));
  const artifact = productsOf(job.state).find((product) => product.name === name);
  if (artifact === undefined) {
    return err(failure('not_found', `The job has no artifact named "${name}" (yet).`));
  }
  if (job.productsRemovedAtMs !== undefined) {
    return err(productsExpired());
  }
  const own = await openOutput(parts.workspace, artifact, range);
  if (own.ok) return own;
  const published = await parts.storage.open(`${jobId}/${name}`, range);
  if (published.ok) return ok({ artifact, object: published.value });
  return published.error.code === 'not_found' ? own : published;
}

/**
 * The output of the very attempt comes first. It is there as soon as its node succeeded, and after a
 * retry the storage still has the product of before, until `publish` has stored the new one.
 */
async function openOutput(
  workspace: Workspace,
  artifact: Artifact,
  range: ByteRange | undefined,
): Promise<Result<OpenedArtifact, Failure>> {
  const bounds = range === undefined ? {} : { start: range.first, end: range.last };
  try {
    const file = await open(workspace.absolute(artifact.path), 'r');
    const body = file.createReadStream(bounds);
    return ok({ artifact, object: { bytes: artifact.bytes, body } });
  } catch (thrown) {
    return err(failureFromThrown(thrown, 'storage', 'A product could not be read.'));
  }
}
