import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { createPlan } from '../pipeline/create-plan.ts';
import { expandPlan } from '../pipeline/expand-plan.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import type { Plan } from '../pipeline/plan.ts';
import { isTerminalJob } from '../scheduler/job-state.ts';
import type { JobState, JobWarning } from '../scheduler/job-state.ts';
import { isNothingToRetry, keptNodes, withMissing } from '../scheduler/kept-nodes.ts';
import type { RetryRequest } from '../scheduler/kept-nodes.ts';
import type { DiskLedger } from '../storage/disk-ledger.ts';
import type { ResultCache } from '../storage/result-cache.ts';
import type { Workspace } from '../storage/workspace.ts';
import type { Store, StoredJob } from '../store/store.ts';
import type { JobEngine } from './engine.ts';
import type { Janitor } from './janitor.ts';
import { noSuchJob } from './no-such-job.ts';
import type { PipelineLibrary } from './pipeline-library.ts';
import { resultKeyOf } from './reuse.ts';

/** What a retry works with. */
export interface RetryParts {
  readonly engine: JobEngine;
  readonly store: Store;
  readonly workspace: Workspace;
  readonly library: PipelineLibrary;
  readonly kinds: ReadonlyMap<string, NodeKind>;
  /** Where earlier results are kept; absent when none are. */
  readonly results?: Pick<ResultCache, 'drop'>;
  readonly janitor: Janitor;
  /** Where room is set aside for what the job will write; given back by whoever hears of the job's end. */
  readonly room: Pick<DiskLedger, 'admitAgain' | 'release'>;
  readonly logger: Logger;
}

/** What a client asks for. */
export interface RetryOrder {
  readonly jobId: string;
  /** Nodes of today's pipeline that run again whatever became of them. */
  readonly nodeIds: readonly string[];
}

/**
 * Lets an ended job go on with its pipeline of today; see `JobService.retry`. Outputs that are made anew
 * are removed, once the retry is stored: until then the job has them.
 */
export async function retryJob(
  parts: RetryParts,
  order: RetryOrder,
): Promise<Result<StoredJob, Failure>> {
  // Whatever is still to be removed of the job waits until it is known whether it goes on, and so does
  // who else would retry it.
  using holds = new DisposableStack();
  holds.use(await parts.janitor.hold(order.jobId));
  const found = await endedJob(parts, order.jobId);
  if (!found.ok) return found;
  const job = found.value;
  const { plan, warnings } = planAgain(parts.library, job.state);
  const known = checkNodes(plan, order.nodeIds);
  if (!known.ok) return known;
  const source = await checkSource(job, parts);
  if (!source.ok) return source;
  const missing = await missingFiles(job.state, parts.workspace);
  const request = requestFor(
    job.state,
    { plan, warnings, nodeIds: order.nodeIds },
    { kinds: parts.kinds, missing },
  );
  if (isNothingToRetry(job.state, request)) return err(nothingToRetry());
  const { id: jobId } = job.state;
  const admitted = await parts.room.admitAgain(jobId, job.upload.bytes);
  if (!admitted.ok) return admitted;
  // Nobody else retries the job meanwhile, so the room is this retry's own.
  using reserved = new DisposableStack();
  reserved.defer(() => parts.room.release(jobId));
  await forgetResults(parts, job, order.nodeIds);
  const retried = await parts.engine.retry(job, request);
  if (!retried.ok) return retried;
  // From now on the job has it, until its end.
  reserved.move();
  await removeSuperseded(job.state, retried.value.state, parts);
  return retried;
}

async function endedJob({ store }: RetryParts, jobId: string): Promise<Result<StoredJob, Failure>> {
  const job = await store.readJob(jobId);
  if (job === undefined) return err(noSuchJob(jobId));
  const { phase } = job.state;
  if (isTerminalJob(phase)) return ok(job);
  const message = `The job has not ended yet (${phase}). Wait for its end, or cancel it first.`;
  return err(failure('conflict', message));
}

interface PlanAgain {
  readonly plan: Plan;
  readonly warnings: readonly JobWarning[];
}

/** The plan by the pipeline of today; the one of then, with a warning, where that cannot be used. */
function planAgain(library: PipelineLibrary, { plan, params }: JobState): PlanAgain {
  const pipeline = library.find(plan.pipeline);
  const fresh = pipeline.ok ? createPlan(pipeline.value, params) : pipeline;
  if (fresh.ok) return { plan: fresh.value, warnings: [] };
  const { code, message: reason } = fresh.error;
  const message = `The job went on by its pipeline as it was when the job was made. ${reason}`;
  return { plan, warnings: [{ code, message }] };
}

function checkNodes({ nodes }: Plan, nodeIds: readonly string[]): Result<void, Failure> {
  const names = nodes.map(({ id }) => id);
  const unknown = nodeIds.filter((id) => !names.includes(id));
  if (unknown.length === 0) return ok(undefined);
  const quoted = unknown.map((id) => JSON.stringify(id)).join(', ');
  const message = `The pipeline has no node ${quoted}. Its nodes are: ${names.join(', ')}.`;
  return err(failure('invalid_request', message));
}

/** Whatever runs again may read the upload. */
async function checkSource(
  job: StoredJob,
  { janitor, workspace }: RetryParts,
): Promise<Result<void, Failure>> {
  const isKept = job.sourceRemovedAtMs === undefined && !janitor.isDue(job, 'source');
  const isThere = isKept && (await workspace.holds(job.upload));
  if (isThere) return ok(undefined);
  const message =
    'The uploaded film is not kept any more, so the job cannot run again. Upload it anew.';
  return err(failure('conflict', message));
}

/** Recorded paths of the job's outputs that are not there, or not whole. */
async function missingFiles(
  { nodes }: JobState,
  workspace: Workspace,
): Promise<ReadonlySet<string>> {
  const artifacts = nodes.flatMap((record) => record.artifacts);
  const found = await Promise.all(artifacts.map((artifact) => workspace.holds(artifact)));
  return new Set(artifacts.filter((_, index) => found[index] !== true).map(({ path }) => path));
}

/** Keeps the media that the job knows, unless the node that found it out runs again. */
function requestFor(
  job: JobState,
  request: RetryRequest,
  facts: { readonly kinds: RetryParts['kinds']; readonly missing: ReadonlySet<string> },
): RetryRequest {
  const isMissing = (path: string): boolean => facts.missing.has(path);
  const complete = (part: RetryRequest): RetryRequest => ({
    ...part,
    nodeIds: withMissing(job, part, isMissing),
  });
  if (job.media === undefined) return complete(request);
  const expansion = expandPlan(request.plan, job.media, facts.kinds);
  const informed = complete({ ...request, expansion });
  const kept = keptNodes(job, informed);
  const probes = job.nodes.filter(({ artifacts }) =>
    artifacts.some(({ role }) => role === 'source'),
  );
  return probes.every(({ id }) => kept.has(id)) ? informed : complete(request);
}

function nothingToRetry(): Failure {
  const message =
    'There is nothing to retry: the job succeeded, by the pipeline as it is today. ' +
    'Name the nodes that are to run again.';
  return failure('conflict', message);
}

/**
 * Who names a node wants it to run, and not to be given what it made before. What depends on it may still
 * be answered by an earlier result: of the same inputs.
 */
async function forgetResults(
  { results, kinds }: RetryParts,
  job: StoredJob,
  nodeIds: readonly string[],
): Promise<void> {
  const had = job.state.plan.nodes.filter(({ id }) => nodeIds.includes(id));
  for (const { id } of had) {
    const key = resultKeyOf(job, id, kinds);
    if (key !== undefined) await results?.drop(key);
  }
}

/** Files that cannot be removed take up room until the job's are removed; the retry goes on. */
async function removeSuperseded(
  before: JobState,
  after: JobState,
  { workspace, logger }: RetryParts,
): Promise<void> {
  for (const { id: nodeId, attempt, artifacts } of before.nodes) {
    const isKept = after.nodes.some(
      (node) => node.id === nodeId && node.attempt === attempt && node.phase === 'succeeded',
    );
    if (isKept || artifacts.length === 0) continue;
    const key = { jobId: before.id, nodeId, attempt };
    try {
      await workspace.removeAttempt(key);
    } catch (error) {
      logger.error({ ...key, error }, 'outputs that are made anew could not be removed');
    }
  }
}
