import { access } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { failure, type Failure } from '../base/failure.ts';
import { createLogger } from '../base/logger.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Settings } from '../config/settings.ts';
import { reportFailure, reportWarnings, type CliContext, type RunningApp } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { listenForInterrupt, untilAborted } from './interrupt.ts';
import { JobClient, type RemoteJob } from './job-client.ts';
import { createJobDisplay } from './job-display.ts';
import { watchJob } from './job-source.ts';
import { renderProducts } from './products.ts';
import { writeLines } from './screen.ts';
import { renderLines, span } from './text.ts';
import { renderTimeline, timelineWidth } from './timeline.ts';

/** How the demo is run. */
export interface DemoOptions {
  /** Whether it ends once the products are there, instead of serving on. */
  readonly exit: boolean;
  /** Settings that the person gave; the demo chooses only the others. */
  readonly given: ReadonlySet<keyof Settings>;
}

/** The clip and the speech model of the demo; the model knows the clip's few words and no others. */
const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');
const samplePath = join(fixtures, 'sample.mp4');
const modelPath = join(fixtures, 'speech-model', 'ggml-digits.bin');

/** Ports that are tried from the configured one on. */
const portsTriedMax = 20;

/**
 * Starts the service, uploads the sample clip over HTTP as any client would, shows the job run, lists
 * the products' addresses, and serves until Ctrl-C.
 */
export async function demo(
  context: CliContext,
  settings: Settings,
  options: DemoOptions,
): Promise<ExitCode> {
  using interrupt = listenForInterrupt(context.signals);
  const prepared = await prepare(settings, options);
  if (!prepared.ok) return fail(context, prepared.error);
  const app = await context.startApp(prepared.value, createLogger(prepared.value.logLevel));
  if (!app.ok) return fail(context, app.error);
  try {
    return await play(context, { app: app.value, signal: interrupt.signal, exit: options.exit });
  } finally {
    await app.value.close();
  }
}

async function prepare(
  settings: Settings,
  { given }: DemoOptions,
): Promise<Result<Settings, Failure>> {
  try {
    await access(samplePath);
  } catch {
    const message = 'The sample clip is not here. The demo runs from a checkout of the repository.';
    return err(failure('not_found', message));
  }
  return ok({
    ...settings,
    ...(!given.has('dataDir') && { dataDir: join(settings.dataDir, 'demo') }),
    ...(!given.has('whisperModel') && { whisperModel: modelPath }),
    ...(!given.has('port') && { port: await findFreePort(settings) }),
  });
}

interface Demo {
  readonly app: RunningApp;
  readonly signal: AbortSignal;
  readonly exit: boolean;
}

async function play(context: CliContext, { app, signal, exit }: Demo): Promise<ExitCode> {
  const { out } = context;
  const listening = await app.listen();
  if (!listening.ok) return fail(context, listening.error);
  const { url } = listening.value;
  writeLines(out, [[span('reelgraph serves on '), span(url, 'strong')]]);
  const job = await runSample(context, url, signal);
  if (signal.aborted) return exitCodes.interrupted;
  if (!job.ok) return fail(context, job.error);
  writeLines(out, [
    [],
    ...renderTimeline(job.value.view, { width: timelineWidth(out.size()), style: out.style }),
  ]);
  reportWarnings(context, job.value.view.warnings);
  if (job.value.view.phase !== 'succeeded') {
    const { code, message } = job.value.view.failure ?? {
      code: '',
      message: 'The job did not end.',
    };
    return fail(context, failure('tool', message, code));
  }
  const products = renderProducts(job.value.products);
  // Addresses are to be clicked and copied: a narrow terminal wraps them, nothing cuts them.
  out.write(renderLines([[], [span('Products', 'strong')], ...products, []], out.style));
  if (exit) return exitCodes.ok;
  writeLines(out, [[span(`Serving on ${url} until you press Ctrl-C.`)]]);
  await untilAborted(signal);
  return exitCodes.ok;
}

/** Uploads the clip and shows the job until it has ended. */
async function runSample(
  { out, clock }: CliContext,
  url: string,
  signal: AbortSignal,
): Promise<Result<RemoteJob, Failure>> {
  const client = new JobClient(url);
  const submitted = await client.submit(samplePath, signal);
  if (!submitted.ok) return submitted;
  const { id } = submitted.value.view;
  const place = `${url}/v1/jobs/${id}`;
  out.write(renderLines([[span(`Uploaded fixtures/sample.mp4 as job ${place}`)], []], out.style));
  const display = createJobDisplay(out, clock);
  try {
    const ended = await watchJob(client.source(id), display, signal);
    if (!ended.ok) return ended;
  } finally {
    display.close();
  }
  return client.get(id);
}

/** The configured port, or the next one that nobody listens on; 0 (any) when there is none near. */
async function findFreePort({ host, port }: Settings): Promise<number> {
  if (port === 0) return 0;
  for (let candidate = port; candidate < port + portsTriedMax; candidate += 1) {
    if (candidate <= 65_535 && (await isFree(host, candidate))) return candidate;
  }
  return 0;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function fail(context: CliContext, reason: Failure): ExitCode {
  reportFailure(context, reason);
  return exitCodes.failed;
}
