import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, required } from '../../src/base/assert.ts';
import { newJobId } from '../../src/base/ids.ts';
import type { LogFields, Logger } from '../../src/base/logger.ts';
import { LocalDispatch } from '../../src/dispatch/local-dispatch.ts';
import { sweep } from '../../src/jobs/clean-up.ts';
import { createJobService } from '../../src/jobs/create-job-service.ts';
import { JobEngine } from '../../src/jobs/engine.ts';
import { JobFeed } from '../../src/jobs/feed.ts';
import { Janitor } from '../../src/jobs/janitor.ts';
import type { JobService } from '../../src/jobs/job-service.ts';
import { loadPipelineLibrary } from '../../src/jobs/pipeline-library.ts';
import { keepForEver, type Retention } from '../../src/jobs/retention.ts';
import type { NodeKind } from '../../src/nodes/node-kind.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import type { Capacity } from '../../src/resources/demand.ts';
import { createJob } from '../../src/scheduler/create-job.ts';
import { violations } from '../../src/scheduler/invariants.ts';
import { defaultTenant, isTerminalJob } from '../../src/scheduler/job-state.ts';
import type { JobState, NodePhase, NodeRecord } from '../../src/scheduler/job-state.ts';
import { decide } from '../../src/scheduler/select.ts';
import { DiskLedger } from '../../src/storage/disk-ledger.ts';
import type { DiskSpace } from '../../src/storage/disk-space.ts';
import { ResultCache } from '../../src/storage/result-cache.ts';
import { LocalStorage } from '../../src/storage/local-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { Workspace } from '../../src/storage/workspace.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store, Upload } from '../../src/store/store.ts';
import { Worker } from '../../src/worker/worker.ts';
import { hostOf } from '../fakes/makespan.ts';
import { ManualClock } from '../unit/api/manual-clock.ts';
import { Puppets } from '../fakes/puppets.ts';

const pipelines = join(import.meta.dirname, '..', '..', 'pipelines');
const never = new AbortController().signal;

/** What a test may decide about a {@link JobRig}. */
export interface JobRigParts {
  /** The data directory; a second rig on it is the service after a restart. */
  readonly directory: string;
  /** Where the definitions lie; the published ones unless it is said. */
  readonly pipelines?: string;
  /** 8 cores unless it is said. */
  readonly capacity?: Capacity;
  readonly clock?: ManualClock;
  /** Most jobs that have not ended; the engine's own limit unless it is said. */
  readonly unfinishedMax?: number;
  /** How long files are kept; for ever unless it is said. */
  readonly retention?: Retention;
  /** Room for results that are used again; nothing is kept unless it is said. */
  readonly cacheBytesMax?: number;
  /** How much room the disk has; asks the file system unless it is said. */
  readonly readSpace?: () => Promise<DiskSpace>;
  /** Puts something around the store. */
  readonly wrapStore?: (store: Store) => Store;
  /** Puts something around the kinds. */
  readonly wrapKinds?: (kinds: ReadonlyMap<string, NodeKind>) => ReadonlyMap<string, NodeKind>;
}

/**
 * The whole job machinery with a real store, dispatcher, storage and file system; only the clock and
 * what nodes do belong to the test. It takes up what it finds in the directory.
 */
export class JobRig implements AsyncDisposable {
  readonly directory: string;
  readonly puppets: Puppets;
  readonly clock: ManualClock;
  readonly store: Store;
  readonly dispatch = new LocalDispatch();
  readonly feed = new JobFeed();
  readonly engine: JobEngine;
  readonly worker: Worker;
  readonly workspace: Workspace;
  readonly storage: Storage;
  readonly results: ResultCache | undefined;
  readonly janitor: Janitor;
  /** The removals that the last end of a job began. */
  tidied = Promise.resolve();
  readonly ledger: DiskLedger;
  readonly service: JobService;
  /** Messages logged as errors. */
  readonly errors: string[] = [];
  #isClosed = false;

  private constructor(parts: RigFoundations) {
    const { directory, clock, store, puppets, kinds, capacity = hostOf(8), library } = parts;
    this.directory = directory;
    this.puppets = puppets;
    this.clock = clock;
    this.store = store;
    const logger = errorLogger(this.errors);
    const { dispatch, feed } = this;
    const limits = parts.unfinishedMax === undefined ? {} : { unfinishedMax: parts.unfinishedMax };
    this.workspace = new Workspace(directory);
    const bytesMax = parts.cacheBytesMax;
    this.results =
      bytesMax === undefined
        ? undefined
        : new ResultCache({ dataDirectory: directory, store, bytesMax, clock, logger });
    this.engine = new JobEngine({ store, dispatch, feed, clock, logger, kinds, ...limits });
    const { engine, workspace } = this;
    this.worker = new Worker({
      engine,
      dispatch,
      feed,
      workspace,
      capacity,
      clock,
      logger,
      kinds,
      ...(this.results !== undefined && { results: this.results }),
      decide,
    });
    const storage = new LocalStorage(join(directory, 'storage'));
    this.storage = storage;
    const { retention = keepForEver } = parts;
    const janitor = new Janitor({ store, workspace, storage, retention, clock, logger });
    engine.onEnd(() => (this.tidied = janitor.tidy()));
    this.janitor = janitor;
    const { readSpace } = parts;
    const ledger = new DiskLedger({ directory, ...(readSpace !== undefined && { readSpace }) });
    engine.onBegin(({ state, upload }) => ledger.keep(state.id, upload.bytes));
    engine.onEnd(({ id }) => ledger.release(id));
    this.ledger = ledger;
    const shared = { engine, store, feed, storage, workspace, library, clock, logger };
    const results = this.results && { results: this.results };
    this.service = createJobService({ ...shared, kinds, janitor, room: ledger, ...results });
  }

  /** Opens the store, takes up unfinished jobs and starts the worker. */
  static async open(parts: JobRigParts): Promise<JobRig> {
    const { directory, clock = new ManualClock() } = parts;
    const opened = await openStore(join(directory, 'reelgraph.sqlite'));
    assert(opened.ok, 'the store opens');
    const puppets = new Puppets();
    const kinds = parts.wrapKinds?.(puppets.kinds) ?? puppets.kinds;
    const library = await loadPipelineLibrary(parts.pipelines ?? pipelines, kinds);
    assert(library.ok, 'there are pipelines');
    const store = parts.wrapStore?.(opened.value) ?? opened.value;
    const rig = new JobRig({ ...parts, clock, puppets, kinds, library: library.value, store });
    const { workspace, storage } = rig;
    await sweep({ store, workspace, storage, logger: errorLogger(rig.errors) });
    await rig.results?.open();
    await rig.engine.recover();
    await rig.worker.start();
    await rig.janitor.tidy();
    return rig;
  }

  /** Ends every run that is told to, closes all and checks that no file of a run is left. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const run of this.puppets.active) run.endWhenStopped();
    this.puppets.onBegin = (run) => run.endWhenStopped();
    await this.worker.stop();
    await this.janitor.close();
    await this.engine.close();
    await this.results?.settled();
    await this.store.close();
    assert(this.clock.pending === 0, `${this.clock.pending} timers are left`);
    const left = await this.scratch();
    assert(left.length === 0, `the scratch directory holds ${left.join(', ')}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Submits a job with this plan, on somebody's behalf, and returns its id. */
  async submit(plan: Plan, priority = 0, tenant = defaultTenant): Promise<string> {
    const id = newJobId();
    const upload = await this.upload(id);
    const state = createJob({ id, plan, priority, tenant, atMs: this.clock.nowMs() });
    await this.engine.submit({ state, upload });
    return id;
  }

  /** Submits a job of the real standard pipeline, through the service, and returns its id. */
  async submitStandard(): Promise<string> {
    const jobId = newJobId();
    const upload = await this.upload(jobId);
    const submitted = await this.service.submit({
      jobId,
      upload,
      pipeline: 'standard',
      params: {},
      priority: 0,
    });
    assert(submitted.ok, 'the job is accepted');
    return jobId;
  }

  /** Puts an upload where the intake would. */
  async upload(jobId: string): Promise<Upload> {
    const path = `incoming/${jobId}/in`;
    await mkdir(join(this.directory, 'incoming', jobId), { recursive: true });
    await writeFile(join(this.directory, path), 'a film');
    return { name: 'film.mp4', bytes: 6, sha256: 'ab'.repeat(32), path };
  }

  /** The job as it is stored, checked for soundness. */
  async job(jobId: string): Promise<JobState> {
    const { state } = required(await this.store.readJob(jobId), `job ${jobId}`);
    const found = violations(state);
    assert(found.length === 0, found.join('; '));
    return state;
  }

  /** The stored record of a node. */
  async node(jobId: string, nodeId: string): Promise<NodeRecord> {
    const { nodes } = await this.job(jobId);
    return required(
      nodes.find(({ id }) => id === nodeId),
      nodeId,
    );
  }

  /** Waits until an attempt of a node has succeeded. */
  succeeded(jobId: string, nodeId: string, attempt = 1): Promise<void> {
    return this.#reached(jobId, { nodeId, attempt, phase: 'succeeded' });
  }

  /** Waits until a node sits out its delay after a failed attempt. */
  delayed(jobId: string, nodeId: string, attempt = 1): Promise<void> {
    return this.#reached(jobId, { nodeId, attempt, phase: 'delayed' });
  }

  async #reached(
    jobId: string,
    wanted: { readonly nodeId: string; readonly attempt: number; readonly phase: NodePhase },
  ): Promise<void> {
    for await (const update of this.service.follow(jobId, 0, never)) {
      if (update.type !== 'notice' || update.notice.type !== 'node') continue;
      const { nodeId, attempt, phase } = update.notice;
      if (nodeId === wanted.nodeId && attempt === wanted.attempt && phase === wanted.phase) return;
    }
    throw new Error(`${wanted.nodeId} ${wanted.attempt} never was ${wanted.phase}`);
  }

  /** Waits until the job has ended and returns it. */
  async ended(jobId: string): Promise<JobState> {
    for await (const update of this.service.follow(jobId, 0, never)) void update;
    const job = await this.job(jobId);
    assert(isTerminalJob(job.phase), 'following ends with the job');
    return job;
  }

  /** The nodes that run, once every start that was decided so far is stored. */
  async running(jobId: string): Promise<readonly string[]> {
    await this.store.transaction(() => Promise.resolve());
    const { nodes } = await this.job(jobId);
    return nodes.filter(({ phase }) => phase === 'running').map(({ id }) => id);
  }

  /** Lets a node's first attempt, or another one, succeed, and waits until that is stored. */
  async succeed(jobId: string, nodeId: string, attempt = 1): Promise<void> {
    const run = await this.puppets.begun(jobId, nodeId, attempt);
    await run.succeed();
    await this.succeeded(jobId, nodeId, attempt);
  }

  /** The files of the job below `jobs/`, relative to its directory. */
  async outputs(jobId: string): Promise<readonly string[]> {
    const root = join(this.directory, 'jobs', jobId);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .toSorted();
  }

  /** What lies in the scratch directory. */
  async scratch(): Promise<readonly string[]> {
    return readdir(join(this.directory, 'scratch')).catch(() => []);
  }
}

interface RigFoundations extends JobRigParts {
  readonly clock: ManualClock;
  readonly puppets: Puppets;
  readonly kinds: ReadonlyMap<string, NodeKind>;
  readonly library: Parameters<typeof createJobService>[0]['library'];
  readonly store: Store;
}

/** Keeps the messages of errors. */
function errorLogger(messages: string[]): Logger {
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (_fields: LogFields, message) => void messages.push(message),
    child: () => logger,
  };
  return logger;
}
