import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createApi } from './api/api.ts';
import type { PipelineView } from './api/schema.ts';
import { startServer } from './api/server.ts';
import type { RunningServer } from './api/server.ts';
import { systemClock } from './base/clock.ts';
import { failureFromThrown } from './base/failure.ts';
import type { Failure } from './base/failure.ts';
import type { Logger } from './base/logger.ts';
import { err, ok } from './base/result.ts';
import type { Result } from './base/result.ts';
import { modelsDirectoryOf } from './config/models-directory.ts';
import type { Settings } from './config/settings.ts';
import { LocalDispatch } from './dispatch/local-dispatch.ts';
import { findToolchain } from './ffmpeg/toolchain.ts';
import { toolchainWarnings } from './ffmpeg/toolchain-warnings.ts';
import { createMediaTools } from './ffmpeg/tools.ts';
import { removeIntermediates } from './jobs/artifacts.ts';
import { createJobService } from './jobs/create-job-service.ts';
import { JobEngine } from './jobs/engine.ts';
import { JobFeed } from './jobs/feed.ts';
import type { JobService } from './jobs/job-service.ts';
import { loadPipelineLibrary } from './jobs/pipeline-library.ts';
import type { PipelineLibrary } from './jobs/pipeline-library.ts';
import { createKinds } from './nodes/catalog.ts';
import type { NodeKind } from './nodes/node-kind.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import { formatProblem } from './pipeline/problem.ts';
import type { Capacity } from './resources/demand.ts';
import { readHostCapacity } from './resources/host-capacity.ts';
import { decide } from './scheduler/select.ts';
import type { Decide } from './scheduler/select.ts';
import { createRecognizer } from './speech/create-recognizer.ts';
import { createIntake } from './storage/intake.ts';
import { LocalStorage } from './storage/local-storage.ts';
import type { Storage } from './storage/storage.ts';
import { Workspace } from './storage/workspace.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import { Worker } from './worker/worker.ts';

/** The whole service, wired. */
export interface App {
  readonly service: JobService;
  /** What it plans with on this host. */
  readonly capacity: Capacity;
  /** Starts the HTTP server; resolves with its base URL, e.g. `http://127.0.0.1:8080`. */
  listen(): Promise<Result<{ readonly url: string }, Failure>>;
  /** Stops the server and the worker, ends every child, closes the store. Idempotent. */
  close(): Promise<void>;
}

/** What a benchmark or a test may change about the wiring. */
export interface AppVariations {
  /** The start rule in place of the scheduler's. */
  readonly decide?: Decide;
  /** Puts something around each node kind. */
  readonly wrapKind?: (kind: NodeKind) => NodeKind;
}

/** Wires the service from settings, takes up unfinished jobs and starts the worker; not the server. */
export async function createApp(
  settings: Settings,
  logger: Logger,
  variations: AppVariations = {},
): Promise<Result<App, Failure>> {
  const dataDirectory = resolve(settings.dataDir);
  const prepared = await prepareDirectory(dataDirectory);
  if (!prepared.ok) return prepared;
  const storage = new LocalStorage(join(dataDirectory, 'storage'));
  const kinds = await createKindsFor(settings, storage, logger);
  if (!kinds.ok) return kinds;
  const library = await loadPipelineLibrary(settings.pipelines, kinds.value);
  if (!library.ok) return library;
  for (const problem of library.value.problems) {
    logger.error({}, `a pipeline is left out: ${formatProblem(problem)}`);
  }
  const store = await openStore(join(dataDirectory, 'reelgraph.sqlite'));
  if (!store.ok) return store;
  return ok(
    await assemble({
      settings,
      logger,
      variations,
      dataDirectory,
      storage,
      kinds: wrapKinds(kinds.value, variations),
      library: library.value,
      store: store.value,
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
  readonly kinds: ReadonlyMap<string, NodeKind>;
  readonly library: PipelineLibrary;
  readonly store: Store;
}

async function assemble(foundations: Foundations): Promise<App> {
  const { settings, logger, variations, dataDirectory, storage, library, store } = foundations;
  const clock = systemClock;
  const dispatch = new LocalDispatch();
  const feed = new JobFeed();
  const workspace = new Workspace(dataDirectory);
  const { capacity, warnings } = await readHostCapacity(settings);
  for (const warning of warnings) logger.warn({}, warning);
  const engine = new JobEngine({ store, dispatch, feed, clock, logger });
  engine.onEnd((job) => removeIntermediates(job, workspace));
  const worker = new Worker({
    engine,
    dispatch,
    feed,
    workspace,
    capacity,
    clock,
    logger,
    kinds: foundations.kinds,
    decide: variations.decide ?? decide,
  });
  await engine.recover();
  await worker.start();
  const service = createJobService({ engine, store, feed, storage, workspace, library, clock });
  const intake = createIntake(dataDirectory);
  const api = createApi({
    service,
    intake,
    logger,
    clock,
    pipelines: [...library.pipelines.values()].map(toPipelineView),
    limits: { uploadBytesMax: settings.uploadBytesMax },
    readiness: () => ok(undefined),
  });
  let server: RunningServer | undefined;
  return {
    service,
    capacity,
    async listen() {
      const started = await startServer(api, { ...settings, clock, logger });
      if (started.ok) server = started.value;
      return started;
    },
    async close() {
      await server?.close();
      await intake.close();
      await worker.stop();
      await engine.close();
      await store.close();
    },
  };
}

function toPipelineView({ name, description, nodes }: Pipeline): PipelineView {
  return {
    name,
    ...(description !== undefined && { description }),
    nodes: nodes.map(({ id, kind, needs }) => ({ id, kind: kind.name, needs: [...needs] })),
  };
}

async function prepareDirectory(directory: string): Promise<Result<void, Failure>> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return ok(undefined);
  } catch (thrown) {
    const message = `The data directory "${directory}" cannot be made. Set REELGRAPH_DATA_DIR or --data-dir to one that can be written.`;
    return err(failureFromThrown(thrown, 'storage', message));
  }
}

async function createKindsFor(
  settings: Settings,
  storage: Storage,
  logger: Logger,
): Promise<Result<ReadonlyMap<string, NodeKind>, Failure>> {
  const toolchain = await findToolchain(settings);
  if (!toolchain.ok) return toolchain;
  for (const warning of toolchainWarnings(toolchain.value)) logger.warn({}, warning);
  const tools = createMediaTools({
    limits: settings,
    logger,
    clock: systemClock,
    toolchain: toolchain.value,
  });
  const recognizer = createRecognizer({
    engine: settings.recognizer,
    ...(settings.whisperCli !== undefined && { whisperCli: settings.whisperCli }),
    model: settings.whisperModel,
    modelsDir: modelsDirectoryOf(settings),
    clock: systemClock,
    logger,
  });
  return ok(createKinds({ tools, storage, recognizer, speechModel: settings.whisperModel }));
}

function wrapKinds(
  kinds: ReadonlyMap<string, NodeKind>,
  { wrapKind = (kind) => kind }: AppVariations,
): ReadonlyMap<string, NodeKind> {
  return new Map([...kinds].map(([name, kind]) => [name, wrapKind(kind)]));
}
