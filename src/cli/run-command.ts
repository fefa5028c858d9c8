import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname, relative, resolve } from 'node:path';
import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { newJobId } from '../base/ids.ts';
import type { JsonObject } from '../base/json.ts';
import { createLogger } from '../base/logger.ts';
import { err, ok, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { modelsDirectoryOf } from '../config/models-directory.ts';
import type { Settings } from '../config/settings.ts';
import { productsOf } from '../jobs/artifacts.ts';
import type { JobService } from '../jobs/job-service.ts';
import { receiveUpload } from '../storage/intake.ts';
import { reportFailure, reportWarnings, type CliContext } from './context.ts';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-code.ts';
import { listenForInterrupt } from './interrupt.ts';
import { createJobDisplay, type JobDisplay } from './job-display.ts';
import { localSource, watchJob } from './job-source.ts';
import type { JobView } from './job-view.ts';
import { checkOutputDirectory, copyProducts, renderProducts } from './products.ts';
import { createScratchDirectory } from './scratch-directory.ts';
import { writeLines } from './screen.ts';
import { printable, span } from './text.ts';
import { renderTimeline, timelineWidth } from './timeline.ts';

/** What `reelgraph run` was asked to do. */
export interface RunOptions {
  /** The film; a path as the person gave it. */
  readonly file: string;
  /** Where the products go; a directory beside the caller named after the film when absent. */
  readonly out?: string;
  readonly pipeline: string;
  readonly params: JsonObject;
  /** Whether the output directory may hold other files. */
  readonly force: boolean;
}

/**
 * Runs one film through a pipeline without a server: everything happens in a hidden scratch directory
 * where the products go, which is gone at the end; only the products stay. Speech models are looked up where
 * the settings say.
 */
export async function runFile(
  context: CliContext,
  settings: Settings,
  options: RunOptions,
): Promise<ExitCode> {
  using interrupt = listenForInterrupt(context.signals);
  const prepared = await prepare(options);
  if (!prepared.ok) return fail(context, prepared.error);
  const made = await createScratchDirectory(prepared.value.outputDirectory);
  if (!made.ok) return fail(context, made.error);
  await using directory = made.value;
  const scratch = directory.path;
  const run: Run = { ...prepared.value, context, options, signal: interrupt.signal, scratch };
  return await runIn(run, withScratch(settings, scratch));
}

/** The settings of a service that lives in a scratch directory. */
function withScratch(settings: Settings, scratch: string): Settings {
  // Nobody retries its job, and the disk is the person's own.
  const sourceRetentionSec = 0;
  return {
    ...settings,
    dataDir: scratch,
    modelsDir: modelsDirectoryOf(settings),
    sourceRetentionSec,
  };
}

interface Prepared {
  /** Absolute path of the film. */
  readonly path: string;
  readonly bytes: number;
  /** Absolute path of the output directory. */
  readonly outputDirectory: string;
}

interface Run extends Prepared {
  readonly context: CliContext;
  readonly options: RunOptions;
  readonly signal: AbortSignal;
  readonly scratch: string;
}

/** Finds out what is wrong with the call before any work is done. */
async function prepare({ file, out, force }: RunOptions): Promise<Result<Prepared, Failure>> {
  const path = resolve(file);
  const name = printable(file);
  let bytes: number;
  try {
    const found = await stat(path);
    if (!found.isFile()) {
      return err(failure('invalid_request', `${name} is not a file. Give the path of a film.`));
    }
    bytes = found.size;
  } catch (thrown) {
    const hint = 'Check the path; relative ones start at the current directory.';
    return err({
      ...failureFromThrown(thrown, 'invalid_request', `${name} cannot be read. ${hint}`),
      operatorDetail: thrown instanceof Error ? thrown.message : String(thrown),
    });
  }
  const outputDirectory = resolve(out ?? `${basename(path, extname(path))}-reelgraph`);
  const free = force ? ok(undefined) : await checkOutputDirectory(outputDirectory);
  return free.ok ? ok({ path, bytes, outputDirectory }) : free;
}

async function runIn(run: Run, settings: Settings): Promise<ExitCode> {
  const { context } = run;
  const app = await context.startApp(settings, createLogger(settings.logLevel));
  if (!app.ok) return fail(context, app.error);
  try {
    const started = await app.value.start();
    if (!started.ok) return fail(context, started.error);
    const jobId = await submit(run, settings, app.value.service);
    if (!jobId.ok) return fail(context, jobId.error);
    const job = await watch(run, app.value.service, jobId.value);
    if (!job.ok) return fail(context, job.error);
    return await conclude(run, app.value.service, job.value);
  } finally {
    await app.value.close();
  }
}

async function submit(
  run: Run,
  settings: Settings,
  service: JobService,
): Promise<Result<string, Failure>> {
  const jobId = newJobId();
  const upload = await receiveUpload(createReadStream(run.path), {
    directory: run.scratch,
    jobId,
    name: basename(run.path),
    bytesMax: settings.uploadBytesMax,
    bytesExpected: run.bytes,
    signal: run.signal,
  });
  if (!upload.ok) return upload;
  const { pipeline, params } = run.options;
  // Its data directory is made for this one job and goes away with it.
  const kept = { priority: 0, usesCache: false };
  const job = await service.submit({ jobId, upload: upload.value, pipeline, params, ...kept });
  return job.ok ? ok(jobId) : job;
}

/** Shows the job until it has ended; the first signal cancels it, which ends it soon. */
async function watch(
  run: Run,
  service: JobService,
  jobId: string,
): Promise<Result<JobView, Failure>> {
  const { context, signal } = run;
  const name = `${printable(basename(run.path))}  ${formatBytes(run.bytes)}`;
  writeLines(context.out, [[span(name, 'strong'), span(`  ${run.options.pipeline}`, 'dim')], []]);
  const display = createJobDisplay(context.out, context.clock);
  const cancel = (): void => void cancelJob(service, jobId, display);
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    return await watchJob(localSource(service, jobId), display, new AbortController().signal);
  } finally {
    signal.removeEventListener('abort', cancel);
    display.close();
  }
}

async function cancelJob(service: JobService, jobId: string, display: JobDisplay): Promise<void> {
  display.say('Cancelling. Press Ctrl-C again to end at once.');
  const cancelled = await service.cancel(jobId);
  // A `conflict` says that the job has just ended by itself: nothing is left to cancel.
  if (!cancelled.ok && cancelled.error.code !== 'conflict') display.say(cancelled.error.message);
}

async function conclude(run: Run, service: JobService, view: JobView): Promise<ExitCode> {
  const { context, signal } = run;
  const { out } = context;
  const width = timelineWidth(out.size());
  writeLines(out, [[], ...renderTimeline(view, { width, style: out.style })]);
  reportWarnings(context, view.warnings);
  if (signal.aborted || view.phase === 'cancelled') return exitCodes.interrupted;
  if (view.failure !== undefined) {
    const where = view.failure.nodeId === undefined ? '' : `${view.failure.nodeId}: `;
    const { message, operatorDetail } = view.failure;
    reportFailure(context, failure('tool', where + message, operatorDetail));
    return exitCodes.failed;
  }
  return keepProducts(run, service, view.id);
}

async function keepProducts(run: Run, service: JobService, jobId: string): Promise<ExitCode> {
  const { context, outputDirectory: directory, signal } = run;
  const snapshot = await service.get(jobId);
  if (!snapshot.ok) return fail(context, snapshot.error);
  const products = productsOf(snapshot.value.job.state);
  const names = products.map(({ name }) => name);
  const copied = await copyProducts(service, { jobId, names, directory, signal });
  if (!copied.ok) return fail(context, copied.error);
  const place = relative(process.cwd(), directory);
  const shown = place === '' || place.startsWith('..') ? directory : place;
  const title = `${products.length} products in ${printable(shown)}`;
  writeLines(context.out, [[], [span(title, 'strong')], ...renderProducts(products)]);
  return exitCodes.ok;
}

function fail(context: CliContext, reason: Failure): ExitCode {
  reportFailure(context, reason);
  return exitCodeOf(reason.code);
}
