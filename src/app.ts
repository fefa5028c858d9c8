import { join, resolve } from 'node:path';
import { createApi } from './api/api.ts';
import { checkPhase, checkReadiness } from './api/readiness.ts';
import type { ServicePhase } from './api/readiness.ts';
import type { PipelineView } from './api/schema.ts';
import { startServer } from './api/server.ts';
import type { RunningServer } from './api/server.ts';
import { required } from './base/assert.ts';
import { systemClock } from './base/clock.ts';
import { within } from './base/grace.ts';
import { failure, failureFromThrown } from './base/failure.ts';
import type { Failure } from './base/failure.ts';
import type { Logger } from './base/logger.ts';
import { err, ok } from './base/result.ts';
import type { Result } from './base/result.ts';
import { modelsDirectoryOf } from './config/models-directory.ts';
import { parseTenantWeights } from './config/tenant-weights.ts';
import type { Settings } from './config/settings.ts';
import { LocalDispatch } from './dispatch/local-dispatch.ts';
import { findToolchain } from './ffmpeg/toolchain.ts';
import type { Toolchain } from './ffmpeg/toolchain.ts';
import { toolchainWarnings } from './ffmpeg/toolchain-warnings.ts';
import { createMediaTools } from './ffmpeg/tools.ts';
import { sweep } from './jobs/clean-up.ts';
import type { SweepParts } from './jobs/clean-up.ts';
import { createJobService } from './jobs/create-job-service.ts';
import { JobEngine } from './jobs/engine.ts';
import { JobFeed } from './jobs/feed.ts';
import type { JobService } from './jobs/job-service.ts';
import { Janitor } from './jobs/janitor.ts';
import { loadPipelineLibrary } from './jobs/pipeline-library.ts';
import type { PipelineLibrary } from './jobs/pipeline-library.ts';
import { retentionOf } from './jobs/retention.ts';
import { createKinds } from './nodes/catalog.ts';
import type { NodeKind } from './nodes/node-kind.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import { formatProblem } from './pipeline/problem.ts';
import { createStarter, describeMethod, describeSandbox } from './processes/create-starter.ts';
import type { ProcessStarter } from './processes/process-starter.ts';
import type { Capacity } from './resources/demand.ts';
import { readHostCapacity } from './resources/host-capacity.ts';
import { decide } from './scheduler/select.ts';
import type { TenantWeights } from './scheduler/fair-share.ts';
import type { Decide } from './scheduler/select.ts';
import { createRecognizer } from './speech/create-recognizer.ts';
import { readDiskSpace } from './storage/disk-space.ts';
import { DiskLedger } from './storage/disk-ledger.ts';
import { createIntake } from './storage/intake.ts';
import { LocalStorage } from './storage/local-storage.ts';
import { lockFile } from './storage/lock-file.ts';
import { makeDirectory } from './storage/make-directory.ts';
import { ResultCache } from './storage/result-cache.ts';
import type { ResultCacheParts } from './storage/result-cache.ts';
import type { Storage } from './storage/storage.ts';
import { Workspace } from './storage/workspace.ts';
import { openStore } from './store/open-store.ts';
import { StoreError } from './store/store-error.ts';
import type { Store } from './store/store.ts';
import { Worker } from './worker/worker.ts';

/** The whole service, wired. */
export interface App {
  readonly service: JobService;
  /** What it plans with on this host. */
  readonly capacity: Capacity;
  /** The media programs that it runs. */
  readonly toolchain: Toolchain;
  /**
   * Takes up unfinished jobs and starts the worker; once. Failures: those of the store. Whatever it
   * answers, the caller closes the service.
   */
  start(): Promise<Result<void, Failure>>;
  /**
   * Starts the HTTP server and then, once the port is had, does what {@link start} does; resolves with
   * the base URL, e.g. `http://127.0.0.1:8080`. Failures: `resource` (the port) and those of `start`.
   */
  listen(): Promise<Result<{ readonly url: string }, Failure>>;
  /**
   * Takes no more jobs and starts nothing, but lets uploads and nodes end that can within `stopGraceSec`,
   * or until `hurry` aborts; all other nodes are handed back for the next start. The server answers
   * meanwhile, but says that it is not ready. The caller closes the service next.
   */
  drain(hurry: AbortSignal): Promise<void>;
  /**
   * Stops the server and the worker, hands running nodes back, ends every child, closes the store, and
   * gives the data directory back to other processes. Idempotent.
   */
  close(): Promise<void>;
}

/** What a benchmark or a test may change about the wiring. */
export interface AppVariations {
  /** The start rule in place of the scheduler's. */
  readonly decide?: Decide;
  /** Puts something around each node kind. */
  readonly wrapKind?: (kind: NodeKind) => NodeKind;
  /** Makes what starts the child processes, which the service closes; the best there is by default. */
  readonly openStarter?: () => Promise<ProcessStarter>;
}

/**
 * Wires the service from settings and makes the data directory its own: no other process gets it until
 * `close`, or until this process dies. No job is touched yet. Failures: `conflict` (another reelgraph
 * uses the directory), `storage`, and those of the tools and pipelines.
 */
export async function createApp(
  settings: Settings,
  logger: Logger,
  variations: AppVariations = {},
): Promise<Result<App, Failure>> {
  const dataDirectory = resolve(settings.dataDir);
  await using owned = new AsyncDisposableStack();
  const lock = await takeDirectory(dataDirectory);
  if (!lock.ok) return lock;
  owned.use(lock.value);
  const storage = new LocalStorage(join(dataDirectory, 'storage'));
  const opened = await openStarter(settings, logger, variations);
  if (!opened.ok) return opened;
  const starter = owned.use(opened.value);
  const toolchain = await findToolchain({ ...settings, starter });
  if (!toolchain.ok) return toolchain;
  for (const warning of toolchainWarnings(toolchain.value)) logger.warn({}, warning);
  const services = { storage, starter, logger, toolchain: toolchain.value };
  const kinds = createKindsFor(settings, services);
  const library = await loadPipelineLibrary(settings.pipelines, kinds);
  if (!library.ok) return library;
  for (const problem of library.value.problems) {
    logger.error({}, `a pipeline is left out: ${formatProblem(problem)}`);
  }
  const store = await openStore(join(dataDirectory, 'reelgraph.sqlite'));
  if (!store.ok) return store;
  owned.defer(() => store.value.close());
  const results = await createResultCache(settings, { dataDirectory, store: store.value, logger });
  owned.defer(() => results.settled());
  const { capacity, warnings } = await readHostCapacity(settings);
  for (const warning of warnings) logger.warn({}, warning);
  return ok(
    assemble({
      settings,
      logger,
      variations,
      dataDirectory,
      storage,
      capacity,
      toolchain: toolchain.value,
      kinds: wrapKinds(kinds, variations),
      library: library.value,
      store: store.value,
      results,
      owned: owned.move(),
    }),
  );
}

/** The parts that may fail to come into being, complete. */
interface Foundations {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly variations: AppVariations;
  readonly dataDirectory: string;
  readonly storage: Storage;
  readonly toolchain: Toolchain;
  readonly kinds: ReadonlyMap<string, NodeKind>;
  readonly library: PipelineLibrary;
  readonly capacity: Capacity;
  readonly store: Store;
  readonly results: ResultCache;
  /** What is to be closed at the end, last things first. */
  readonly owned: AsyncDisposableStack;
}

/** The parts at work between the store and the edges, each closed with what is owned. */
function build(foundations: Foundations) {
  const { settings, logger, capacity, dataDirectory, storage, library, store, owned } = foundations;
  const clock = systemClock;
  const dispatch = new LocalDispatch();
  const feed = new JobFeed();
  const workspace = new Workspace(dataDirectory);
  const { kinds, results } = foundations;
  const engine = new JobEngine({ store, dispatch, feed, clock, logger, kinds });
  const retention = retentionOf(settings);
  const janitor = new Janitor({ store, workspace, storage, retention, clock, logger });
  engine.onEnd(() => janitor.tidy());
  owned.defer(() => engine.close());
  // Before the engine, which waits for what follows the end of jobs: that is for the next start then.
  owned.defer(() => janitor.close());
  const shared = { engine, dispatch, feed, workspace, capacity, clock, logger };
  const worker = new Worker({
    ...shared,
    kinds,
    results,
    decide: foundations.variations.decide ?? decide,
    tenantWeights: tenantWeightsOf(settings),
  });
  owned.defer(() => worker.stop());
  const makeRoom = (bytes: number) => results.makeRoom(bytes);
  const ledger = new DiskLedger({ directory: dataDirectory, makeRoom });
  engine.onBegin(({ state, upload }) => ledger.keep(state.id, upload.bytes));
  engine.onEnd(({ id }) => ledger.release(id));
  const forJobs = { store, storage, library, kinds, janitor, results, room: ledger };
  const service = createJobService({ ...shared, ...forJobs });
  const intake = createIntake(dataDirectory, ledger);
  owned.defer(() => intake.close());
  return { engine, janitor, worker, service, intake, retention, workspace };
}

function assemble(foundations: Foundations): App {
  const { settings, logger, capacity, dataDirectory, library, owned } = foundations;
  const { store, storage, results } = foundations;
  const clock = systemClock;
  const { engine, janitor, worker, service, intake, ...rest } = build(foundations);
  const { retention, workspace } = rest;
  let phase: ServicePhase = 'starting';
  /** Whether the jobs of an earlier life are taken up; a stop may come before. */
  let hasBegun = false;
  const api = createApi({
    service,
    intake,
    logger,
    clock,
    pipelines: [...library.pipelines.values()].map(toPipelineView),
    limits: { uploadBytesMax: settings.uploadBytesMax },
    retention,
    admission: () => {
      const open = checkPhase(phase);
      return open.ok ? engine.checkRoom() : open;
    },
    changes: () => (hasBegun ? ok(undefined) : checkPhase(phase)),
    readiness: () => checkReadiness({ phase, service, dataDirectory }),
  });
  const start = async (): Promise<Result<void, Failure>> => {
    const begun = await begin({ engine, worker, results, store, storage, workspace, logger });
    hasBegun = begun.ok;
    if (begun.ok) void janitor.tidy();
    if (begun.ok && phase === 'starting') phase = 'open';
    return begun;
  };
  let server: RunningServer | undefined;
  let closed: Promise<void> | undefined;
  return {
    service,
    capacity,
    toolchain: foundations.toolchain,
    start,
    async listen() {
      const started = await startServer(api, { ...settings, clock, logger, drainMs: cutAfterMs });
      if (!started.ok) return started;
      server = started.value;
      owned.defer(() => started.value.close());
      const begun = await start();
      return begun.ok ? ok({ url: started.value.url }) : begun;
    },
    async drain(hurry) {
      phase = 'closing';
      const grace = { graceMs: settings.stopGraceSec * 1000, hurry };
      const requests = server?.drain() ?? Promise.resolve();
      await Promise.all([worker.drain(grace), within(requests, grace, clock)]);
    },
    close() {
      phase = 'closing';
      return (closed ??= owned.disposeAsync());
    },
  };
}

/**
 * How long requests may take to end when the server closes, in milliseconds. Uploads had their grace
 * before, and downloads can be resumed; with the children's own time a stop stays within five seconds.
 */
const cutAfterMs = 2000;

/** What is set going once nothing can fail any more but the store. */
interface Machinery extends SweepParts {
  readonly results: ResultCache;
  readonly engine: JobEngine;
  readonly worker: Worker;
}

async function begin({
  engine,
  worker,
  results,
  ...parts
}: Machinery): Promise<Result<void, Failure>> {
  try {
    await sweep(parts);
    await results.open();
    await engine.recover();
  } catch (thrown) {
    if (thrown instanceof StoreError) return err(thrown.failure);
    throw thrown;
  }
  await worker.start();
  return ok(undefined);
}

/** The disk's share that kept results may take, unless a setting says how much. */
const cacheShare = 0.1;

/** The results that are kept in the data directory, before they are looked at. */
async function createResultCache(
  { cacheBytesMax }: Settings,
  parts: Omit<ResultCacheParts, 'bytesMax' | 'clock'>,
): Promise<ResultCache> {
  const { totalBytes } = await readDiskSpace(parts.dataDirectory);
  const bytesMax = cacheBytesMax ?? Math.floor(totalBytes * cacheShare);
  return new ResultCache({ ...parts, bytesMax, clock: systemClock });
}

/** The weights that were set; they were checked with the other settings. */
function tenantWeightsOf({ tenantWeights }: Settings): TenantWeights {
  if (tenantWeights === undefined) return new Map();
  return required(parseTenantWeights(tenantWeights), 'weights of tenants');
}

function toPipelineView({ name, description, nodes }: Pipeline): PipelineView {
  return {
    name,
    ...(description !== undefined && { description }),
    nodes: nodes.map(({ id, kind, needs }) => ({ id, kind: kind.name, needs: [...needs] })),
  };
}

/** Makes the data directory and takes its lock, which is given back when it is disposed. */
async function takeDirectory(directory: string): Promise<Result<Disposable, Failure>> {
  const choice = 'Set REELGRAPH_DATA_DIR or --data-dir to one that can be written.';
  try {
    await makeDirectory(directory, 0o700);
  } catch (thrown) {
    const message = `The data directory "${directory}" cannot be made. ${choice}`;
    return err(failureFromThrown(thrown, 'storage', message));
  }
  return lockFile(join(directory, '.lock'), {
    held: `Another reelgraph uses the data directory "${directory}". Stop it, or choose another with --data-dir (REELGRAPH_DATA_DIR).`,
    unwritable: `The data directory "${directory}" cannot be written to. ${choice}`,
  });
}

/** What starts the children, with a line about it in the log. */
async function openStarter(
  { sandbox }: Settings,
  logger: Logger,
  variations: AppVariations,
): Promise<Result<ProcessStarter, Failure>> {
  const open = variations.openStarter ?? (() => createStarter({ clock: systemClock, sandbox }));
  const starter = await open();
  const { finding, remedy } = describeMethod(starter.method);
  if (remedy === undefined) logger.info({ method: starter.method }, `child processes: ${finding}`);
  else logger.warn({ method: starter.method }, `child processes: ${finding} ${remedy}`);
  if (sandbox === 'required' && starter.sandbox === 'none') {
    await starter.close();
    return err(noSandboxFailure());
  }
  logSandbox(sandbox, starter, logger);
  return ok(starter);
}

function noSandboxFailure(): Failure {
  const { remedy = '' } = describeSandbox('none');
  return failure(
    'tool',
    `The sandbox is required (REELGRAPH_SANDBOX, --sandbox), but its self-test fails here. ${remedy}`,
  );
}

/** Decided once: programs run in it, or without it, until the service ends. */
function logSandbox(setting: Settings['sandbox'], starter: ProcessStarter, logger: Logger): void {
  const { finding, remedy = '' } = describeSandbox(starter.sandbox);
  const facts = { sandbox: starter.sandbox, setting };
  if (starter.sandbox !== 'none') logger.info(facts, `sandbox: ${finding}`);
  else
    logger.warn(facts, `sandbox: ${finding} ${setting === 'off' ? 'It is switched off.' : remedy}`);
}

/** What node kinds are made of besides the settings. */
interface KindServices {
  readonly storage: Storage;
  readonly starter: ProcessStarter;
  readonly toolchain: Toolchain;
  readonly logger: Logger;
}

function createKindsFor(
  settings: Settings,
  { storage, starter, toolchain, logger }: KindServices,
): ReadonlyMap<string, NodeKind> {
  const clock = systemClock;
  const tools = createMediaTools({ limits: settings, logger, clock, starter, toolchain });
  const recognizer = createRecognizer({
    engine: settings.recognizer,
    ...(settings.whisperCli !== undefined && { whisperCli: settings.whisperCli }),
    model: settings.whisperModel,
    modelsDir: modelsDirectoryOf(settings),
    clock: systemClock,
    starter,
    logger,
  });
  return createKinds({ tools, storage, recognizer, speechModel: settings.whisperModel });
}

function wrapKinds(
  kinds: ReadonlyMap<string, NodeKind>,
  { wrapKind = (kind) => kind }: AppVariations,
): ReadonlyMap<string, NodeKind> {
  return new Map([...kinds].map(([name, kind]) => [name, wrapKind(kind)]));
}
