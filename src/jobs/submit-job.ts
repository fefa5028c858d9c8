import type { Clock } from '../base/clock.ts';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { createPlan } from '../pipeline/create-plan.ts';
import { createJob } from '../scheduler/create-job.ts';
import { defaultTenant } from '../scheduler/job-state.ts';
import type { Store, StoredJob } from '../store/store.ts';
import type { JobEngine } from './engine.ts';
import { fingerprintOf } from './idempotency.ts';
import type { KeyedJob, RequestKey, SubmitRequest } from './job-service.ts';
import type { PipelineLibrary } from './pipeline-library.ts';

/** What submitting a job takes. */
export interface SubmissionParts {
  readonly engine: JobEngine;
  readonly store: Store;
  readonly library: PipelineLibrary;
  readonly clock: Clock;
}

/**
 * Makes a job of an upload; see `JobService.submit`. A known key is answered before anything else, as what
 * made the job then may be gone or full by now. Requests with one key that come at once are told apart by
 * the transaction that makes the job.
 */
export async function submitJob(
  parts: SubmissionParts,
  request: SubmitRequest,
): Promise<Result<StoredJob, Failure>> {
  const earlier = await replay(parts, request);
  if (earlier !== undefined) return earlier;
  const { engine, library, clock } = parts;
  const pipeline = library.find(request.pipeline);
  if (!pipeline.ok) return pipeline;
  const plan = createPlan(pipeline.value, request.params);
  if (!plan.ok) return plan;
  const { jobId, upload, idempotencyKey: key } = request;
  const room = engine.checkRoom();
  if (!room.ok) return room;
  const state = createJob({ ...request, id: jobId, plan: plan.value, atMs: clock.nowMs() });
  const claim =
    key === undefined ? undefined : { key, fingerprint: fingerprintOf(request, upload) };
  const submitted = await engine.submit({ state, upload }, claim);
  return submitted === undefined
    ? ((await replay(parts, request)) ?? err(deletedMeanwhile()))
    : ok(submitted);
}

/** See `JobService.findByKey`. */
export async function findByKey(
  { store }: Pick<SubmissionParts, 'store'>,
  { tenant = defaultTenant, key }: RequestKey,
): Promise<KeyedJob | undefined> {
  const known = await store.findKey(tenant, key);
  const job = known && (await store.readJob(known.jobId));
  return job && known && { job, fingerprint: known.fingerprint };
}

/** The answer to a request that names another film, or other options, than its key stands for. */
export function keyReused(): Failure {
  const message =
    'This Idempotency-Key came with another film or other options before. Use a new key.';
  return failure('idempotency_key_reused', message);
}

async function replay(
  parts: SubmissionParts,
  request: SubmitRequest,
): Promise<Result<StoredJob, Failure> | undefined> {
  const { idempotencyKey: key, tenant, upload } = request;
  if (key === undefined) return undefined;
  const known = await findByKey(parts, { key, ...(tenant !== undefined && { tenant }) });
  if (known === undefined) return undefined;
  return known.fingerprint === fingerprintOf(request, upload) ? ok(known.job) : err(keyReused());
}

/** The answer to a request whose key stood for a job as it began, and stands for none any more. */
export function deletedMeanwhile(): Failure {
  const message = 'The job of this Idempotency-Key was deleted just now. Send the request again.';
  return failure('conflict', message);
}
