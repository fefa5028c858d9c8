import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import type { Result } from '../base/result.ts';
import type { Settings } from '../config/settings.ts';
import type { Toolchain } from '../ffmpeg/toolchain.ts';
import type { JobService } from '../jobs/job-service.ts';
import type { PipelineLibrary } from '../jobs/pipeline-library.ts';
import type { Capacity } from '../resources/demand.ts';
import type { Screen } from './screen.ts';
import { renderLines, span, type Line } from './text.ts';

/** Everything the command line takes from its process. `main.ts` makes it; tests make their own. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  /** For results. */
  readonly out: Screen;
  /** For errors and notes. */
  readonly error: Screen;
  readonly clock: Clock;
  readonly signals: Signals;
  /** The version of reelgraph. */
  readonly version: string;
  readonly startApp: StartApp;
  readonly loadPipelines: LoadPipelines;
}

/** The termination signals of the process. */
export interface Signals {
  /** Calls back on each of these signals; the returned function ends that. */
  on(names: readonly NodeJS.Signals[], callback: (name: NodeJS.Signals) => void): () => void;
  /** Ends the process at once, children included. */
  kill(exitCode: number): void;
}

/** The service as the command line uses it; `createApp` gives it. */
export interface RunningApp {
  readonly service: JobService;
  /** What it plans with. */
  readonly capacity: Capacity;
  /** The media programs that it runs. */
  readonly toolchain: Toolchain;
  /** Takes up work without a server. */
  start(): Promise<Result<void, Failure>>;
  /** Starts the server, then takes up work. */
  listen(): Promise<Result<{ readonly url: string }, Failure>>;
  /** Takes no more work and lets end what ends soon; `hurry` says that nobody waits for it. */
  drain(hurry: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Wires the service, which takes up work with its `start` or `listen`. */
export type StartApp = (settings: Settings, logger: Logger) => Promise<Result<RunningApp, Failure>>;

/** Reads the pipelines of the configured directory, checked against the node kinds there are. */
export type LoadPipelines = (settings: Settings) => Promise<Result<PipelineLibrary, Failure>>;

/**
 * Writes a failure for a person: the sentence first, what an operator needs below, but not where in the
 * program it came up.
 */
export function reportFailure({ error }: CliContext, { message, operatorDetail }: Failure): void {
  const details = (operatorDetail ?? '')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '' && !/^\s+at /.test(line));
  writeWhole(error, [
    [span('Error: ', 'bad'), span(message)],
    ...details.map((detail) => [span(`  ${detail}`, 'dim')]),
  ]);
}

/** Writes something the person should know although the command goes on. */
export function reportWarning({ error }: CliContext, message: string): void {
  writeWhole(error, [[span('Warning: ', 'warn'), span(message)]]);
}

/** Writes the warnings of a job, set off from what was shown before. */
export function reportWarnings(
  context: CliContext,
  warnings: readonly { readonly message: string }[],
): void {
  if (warnings.length > 0) context.error.write('\n');
  for (const { message } of warnings) reportWarning(context, message);
}

/** Errors are wrapped by the terminal, never cut. */
function writeWhole(screen: Screen, lines: readonly Line[]): void {
  screen.write(renderLines(lines, screen.style));
}
