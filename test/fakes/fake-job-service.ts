import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { required } from '../../src/base/assert.ts';
import { failure, type Failure } from '../../src/base/failure.ts';
import { err, ok, type Result } from '../../src/base/result.ts';
import type { Artifact } from '../../src/graph/artifact.ts';
import type { MediaProbe } from '../../src/graph/media-probe.ts';
import type { MediaRole } from '../../src/graph/media-role.ts';
import { fingerprintOf } from '../../src/jobs/idempotency.ts';
import type {
  Deletion,
  JobService,
  JobSnapshot,
  JobUpdate,
  KeyedJob,
  OpenedArtifact,
  RequestKey,
  SubmitRequest,
} from '../../src/jobs/job-service.ts';
import { keyReused } from '../../src/jobs/submit-job.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import { createJob } from '../../src/scheduler/create-job.ts';
import type { JobEvent } from '../../src/scheduler/event.ts';
import { handle } from '../../src/scheduler/handle.ts';
import { isTerminalJob, type JobState, type JobWarning } from '../../src/scheduler/job-state.ts';
import { isNothingToRetry } from '../../src/scheduler/kept-nodes.ts';
import type { ByteRange } from '../../src/storage/storage.ts';
import type { JobPage, JobQuery, StoredJob, StoredNotice } from '../../src/store/store.ts';

/** A file that a node is said to have made. */
export interface FakeFile {
  readonly name: string;
  readonly content: Buffer;
  readonly mediaType?: string;
  readonly role?: MediaRole;
  readonly product?: boolean;
}

/** What a node is said to have made and found. */
export interface FakeFindings {
  readonly files?: readonly FakeFile[];
  readonly media?: MediaProbe;
  readonly warnings?: readonly JobWarning[];
  readonly isReused?: true;
}

/**
 * The job service in memory: the real scheduler core decides, but no node runs by itself. The test says
 * what happens to each with `start`, `report`, `succeed` and `fail`.
 */
export class FakeJobService implements JobService {
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #jobs = new Map<string, FakeJob>();
  readonly #contents = new Map<string, Buffer>();
  /** Every request that `submit` saw, accepted or not. */
  readonly submitted: SubmitRequest[] = [];
  /** Streams of artifacts that were opened and are not closed yet. */
  readonly openBodies = new Set<Readable>();
  /** Follows that have begun and not ended. */
  followers = 0;
  /** Keys of requests by tenant and key. */
  readonly #keys = new Map<string, { readonly id: string; readonly fingerprint: string }>();
  /** How far a deletion gets. */
  deletion: Deletion = 'removed';
  /** What `submit` answers instead of accepting, when set. */
  refusal: Failure | undefined;
  /** Time of the next event in milliseconds since the epoch; grows by one second with each. */
  nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);

  constructor(plans: readonly Plan[]) {
    this.#plans = new Map(plans.map((plan) => [plan.pipeline, plan]));
  }

  async submit(request: SubmitRequest): Promise<Result<StoredJob, Failure>> {
    this.submitted.push(request);
    if (this.refusal !== undefined) return err(this.refusal);
    const { idempotencyKey: key } = request;
    const fingerprint = fingerprintOf(request, request.upload);
    const known = key === undefined ? undefined : this.#keyed({ ...request, key });
    if (known !== undefined) {
      return known.fingerprint === fingerprint ? ok(known.job) : err(keyReused());
    }
    const plan = this.#plans.get(request.pipeline);
    if (plan === undefined) return err(failure('not_found', 'No such pipeline.'));
    const { jobId: id, upload } = request;
    const state = createJob({ ...request, id, plan, atMs: this.nowMs });
    this.#jobs.set(id, new FakeJob({ state, upload }));
    if (key !== undefined) this.#keys.set(nameOf({ ...request, key }), { id, fingerprint });
    this.apply(id, (atMs) => ({ type: 'job-submitted', atMs }));
    return ok(this.#job(id).stored);
  }

  async findByKey(key: RequestKey): Promise<Result<KeyedJob | undefined, Failure>> {
    return ok(this.#keyed(key));
  }

  async get(jobId: string): Promise<Result<JobSnapshot, Failure>> {
    const job = this.#jobs.get(jobId);
    return job === undefined
      ? err(noSuchJob())
      : ok({ job: job.stored, progress: new Map(job.progress) });
  }

  async list({ limit, phase, tenant, after }: JobQuery): Promise<Result<JobPage, Failure>> {
    const all = [...this.#jobs.values()].map(({ stored }) => stored).toReversed();
    const matching = all.filter(
      ({ state }) =>
        (phase === undefined || state.phase === phase) &&
        (tenant === undefined || state.tenant === tenant),
    );
    const start = after === undefined ? 0 : Number(after);
    const jobs = matching.slice(start, start + limit);
    const end = start + limit;
    return ok(end < matching.length ? { jobs, next: String(end) } : { jobs });
  }

  async cancel(jobId: string): Promise<Result<StoredJob, Failure>> {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return err(noSuchJob());
    if (isTerminalJob(job.stored.state.phase)) {
      return err(failure('conflict', 'The job has already ended.'));
    }
    this.apply(jobId, (atMs) => ({ type: 'cancel-requested', atMs }));
    return ok(job.stored);
  }

  /** Nothing lasts here, so a deletion takes as long as the test says with {@link deletion}. */
  async delete(jobId: string): Promise<Result<Deletion, Failure>> {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return err(noSuchJob());
    this.#jobs.delete(jobId);
    job.isDeleted = true;
    job.wake();
    return ok(this.deletion);
  }

  /** By the plan that the job has; no file is looked for. */
  async retry(jobId: string, nodeIds: readonly string[] = []): Promise<Result<StoredJob, Failure>> {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return err(noSuchJob());
    const { state } = job.stored;
    const unknown = nodeIds.find((id) => !state.nodes.some((node) => node.id === id));
    if (unknown !== undefined) return err(failure('invalid_request', `There is no "${unknown}".`));
    const request = { plan: state.plan, nodeIds };
    if (!isTerminalJob(state.phase) || isNothingToRetry(state, request)) {
      return err(failure('conflict', 'The job cannot be retried.'));
    }
    this.apply(jobId, (atMs) => ({ ...request, type: 'retry-requested', atMs }));
    return ok(job.stored);
  }

  async *follow(jobId: string, after: number, signal: AbortSignal): AsyncIterable<JobUpdate> {
    const job = this.#job(jobId);
    this.followers += 1;
    try {
      let sequence = after;
      const reported = new Map(job.progress);
      while (!signal.aborted) {
        const notice = job.notices[sequence];
        if (notice !== undefined) {
          sequence = notice.sequence;
          yield { type: 'notice', ...notice };
          continue;
        }
        if (job.isDeleted || isTerminalJob(job.stored.state.phase)) return;
        const news = [...job.progress].find(([id, fraction]) => reported.get(id) !== fraction);
        if (news === undefined) {
          await job.changed(signal);
          continue;
        }
        const [nodeId, fraction] = news;
        reported.set(nodeId, fraction);
        yield { type: 'progress', nodeId, fraction };
      }
    } finally {
      this.followers -= 1;
    }
  }

  async openArtifact(
    jobId: string,
    name: string,
    range?: ByteRange,
  ): Promise<Result<OpenedArtifact, Failure>> {
    const job = this.#jobs.get(jobId);
    const artifact = job?.stored.state.nodes
      .flatMap((record) => record.artifacts)
      .find((made) => made.product && made.name === name);
    if (artifact === undefined) return err(failure('not_found', 'No such product.'));
    const content = required(this.#contents.get(artifact.path), artifact.path);
    const part = range === undefined ? content : content.subarray(range.first, range.last + 1);
    const body = Readable.from(chunksOf(part), { objectMode: false });
    this.openBodies.add(body);
    body.once('close', () => this.openBodies.delete(body));
    return ok({ artifact, object: { bytes: content.length, body } });
  }

  /** A node of a job starts on so many cores. */
  start(jobId: string, nodeId: string, cores = 1): void {
    const attempt = this.#attempt(jobId, nodeId) + 1;
    this.apply(jobId, (atMs) => ({ type: 'attempt-started', atMs, nodeId, attempt, cores }));
  }

  /** A running node got further. */
  report(jobId: string, nodeId: string, fraction: number): void {
    const job = this.#job(jobId);
    job.progress.set(nodeId, fraction);
    job.wake();
  }

  /** A running node ends well. */
  succeed(jobId: string, nodeId: string, findings: FakeFindings = {}): void {
    const { files = [], media, warnings = [], isReused } = findings;
    const attempt = this.#attempt(jobId, nodeId);
    const artifacts = files.map((file) => this.#keep(jobId, nodeId, file));
    const found = media && { media, expansion: { skipped: {}, estimates: {} } };
    this.apply(jobId, (atMs) => ({
      type: 'attempt-succeeded',
      atMs,
      nodeId,
      attempt,
      artifacts,
      warnings,
      ...found,
      ...(isReused && { isReused }),
    }));
  }

  /** A running node ends badly. */
  fail(jobId: string, nodeId: string, cause: Failure): void {
    const attempt = this.#attempt(jobId, nodeId);
    this.apply(jobId, (atMs) => ({
      type: 'attempt-failed',
      atMs,
      nodeId,
      attempt,
      failure: cause,
    }));
  }

  /** Files of a job are past their retention. */
  expire(
    jobId: string,
    removed: Pick<StoredJob, 'sourceRemovedAtMs' | 'productsRemovedAtMs'>,
  ): void {
    const job = this.#job(jobId);
    job.stored = { ...job.stored, ...removed };
  }

  /** Anything else that the scheduler core knows. */
  apply(jobId: string, event: (atMs: number) => JobEvent): void {
    const job = this.#job(jobId);
    job.apply(event(this.nowMs));
    this.nowMs += 1000;
  }

  /** The job of a key, unless it was deleted. */
  #keyed(key: RequestKey): KeyedJob | undefined {
    const known = this.#keys.get(nameOf(key));
    const job = known && this.#jobs.get(known.id);
    return job && known && { job: job.stored, fingerprint: known.fingerprint };
  }

  #keep(jobId: string, nodeId: string, file: FakeFile): Artifact {
    const { name, content, mediaType = 'video/mp4', role = 'rendition', product = true } = file;
    const path = `jobs/${jobId}/${nodeId}/${name}`;
    this.#contents.set(path, content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { name, role, mediaType, bytes: content.length, sha256, product, path };
  }

  #attempt(jobId: string, nodeId: string): number {
    const records = this.#job(jobId).stored.state.nodes;
    return required(
      records.find(({ id }) => id === nodeId),
      `node ${nodeId}`,
    ).attempt;
  }

  #job(jobId: string): FakeJob {
    return required(this.#jobs.get(jobId), `job ${jobId}`);
  }
}

/** A job with its history and those who wait for more of it. */
class FakeJob {
  stored: StoredJob;
  readonly notices: StoredNotice[] = [];
  readonly progress = new Map<string, number>();
  isDeleted = false;
  readonly #waiting = new Set<() => void>();

  constructor(stored: StoredJob) {
    this.stored = stored;
  }

  apply(event: JobEvent): void {
    const { job, effects } = handle(this.stored.state, event);
    this.stored = { ...this.stored, state: job };
    for (const effect of effects) {
      if (effect.type !== 'notify') continue;
      this.notices.push({ sequence: this.notices.length + 1, notice: effect.notice });
    }
    for (const id of this.progress.keys()) if (!isRunning(job, id)) this.progress.delete(id);
    this.wake();
  }

  wake(): void {
    for (const resume of this.#waiting) resume();
  }

  async changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (!signal.aborted) await promise;
    this.#waiting.delete(resolve);
  }
}

function isRunning(job: JobState, nodeId: string): boolean {
  return job.nodes.some(({ id, phase }) => id === nodeId && phase === 'running');
}

function nameOf({ tenant = 'default', key }: RequestKey): string {
  return `${tenant}/${key}`;
}

function noSuchJob(): Failure {
  return failure('not_found', 'No such job.');
}

/** In pieces of a file system's size, so that a body is a stream and not one write. */
function* chunksOf(content: Buffer): Generator<Buffer> {
  const bytes = 64 * 1024;
  for (let at = 0; at < content.length; at += bytes) yield content.subarray(at, at + bytes);
}
