import { unreachable } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { DirectStarter } from '../processes/direct-starter.ts';
import type { Launch } from '../processes/launch.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import { createAddonRecognizer } from './addon-recognizer.ts';
import { createCliRecognizer } from './cli-recognizer.ts';
import { AddonProbe } from './probe-addon.ts';
import { createRecognitionVersion } from './recognition-version.ts';
import type { Recognizer } from './recognizer.ts';
import type { SpeechContext } from './speech-context.ts';
import { engineHint } from './speech-failures.ts';
import { findWhisperCli } from './whisper-cli.ts';
import type { WhisperCli } from './whisper-cli.ts';

/** How speech is recognized. */
export interface RecognizerOptions {
  /** `auto` takes the addon, and the command line where the addon can't be loaded. */
  readonly engine: 'auto' | 'addon' | 'cli';
  /** Path of a whisper.cpp command line; looked for when absent. */
  readonly whisperCli?: string;
  /** The model for requests that name none: a published name or a path. */
  readonly model: string;
  /** Where models lie, absolute. */
  readonly modelsDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where programs are looked for; `PATH` by default. */
  readonly searchPath?: string;
  /** Starts the children, and is closed by who made it; they are started directly by default. */
  readonly starter?: ProcessStarter;
  /** A launcher around every child; none by default. */
  readonly launch?: Launch;
}

/** The engine that would recognize. */
export interface SpeechEngine {
  readonly name: 'addon' | 'cli';
  /** What was found, for the operator: a phrase without an end, e.g. with a path or version. */
  readonly description: string;
}

/**
 * Finds the engine that {@link createRecognizer} would use with the same options. Starts a child process
 * for a moment. Failure: `tool`, with what to do.
 */
export async function findSpeechEngine(
  options: RecognizerOptions,
): Promise<Result<SpeechEngine, Failure>> {
  const context = toContext(options);
  return chooseEngine(options, { context, probe: new AddonProbe(context) });
}

/**
 * The recognizer of the chosen engine. Starts nothing and never fails: what is missing shows when
 * something is to be recognized. Its name is `auto` until an automatic choice was made.
 */
export function createRecognizer(options: RecognizerOptions): Recognizer {
  const context = toContext(options);
  const probe = new AddonProbe(context);
  const adapters = {
    addon: createAddonRecognizer(context),
    cli: createCliRecognizer({
      ...context,
      ...(options.whisperCli === undefined ? {} : { whisperCli: options.whisperCli }),
      isAddonUsable: async () => (await probe.version()).ok,
    }),
  };
  const version = createRecognitionVersion({ ...options, searchPath: context.searchPath });
  if (options.engine !== 'auto') return { ...adapters[options.engine], version };
  return new AutomaticRecognizer({
    adapters,
    version,
    choose: () => chooseEngine(options, { context, probe }),
  });
}

type Adapters = Readonly<Record<SpeechEngine['name'], Recognizer>>;

/** What an automatic choice is made of. */
interface AutomaticParts {
  readonly adapters: Adapters;
  readonly version: (model: string | undefined) => string | undefined;
  readonly choose: () => Promise<Result<SpeechEngine, Failure>>;
}

/** Chooses its engine when there is something to recognize for the first time. */
class AutomaticRecognizer implements Recognizer {
  readonly version: AutomaticParts['version'];
  readonly #adapters: Adapters;
  readonly #choose: AutomaticParts['choose'];
  #chosen: SpeechEngine['name'] | undefined;

  constructor({ adapters, version, choose }: AutomaticParts) {
    this.version = version;
    this.#adapters = adapters;
    this.#choose = choose;
  }

  get name(): string {
    return this.#chosen ?? 'auto';
  }

  async recognize(
    ...call: Parameters<Recognizer['recognize']>
  ): ReturnType<Recognizer['recognize']> {
    if (this.#chosen === undefined) {
      const engine = await this.#choose();
      if (!engine.ok) return engine;
      this.#chosen = engine.value.name;
    }
    return this.#adapters[this.#chosen].recognize(...call);
  }
}

interface Search {
  readonly context: SpeechContext;
  readonly probe: AddonProbe;
}

async function chooseEngine(
  options: RecognizerOptions,
  search: Search,
): Promise<Result<SpeechEngine, Failure>> {
  switch (options.engine) {
    case 'addon':
      return findAddon(search);
    case 'cli':
      return findCli(options, search);
    case 'auto': {
      const addon = await findAddon(search);
      if (addon.ok) return addon;
      const cli = await findCli(options, search);
      return cli.ok ? cli : err(noEngineFailure([addon.error, cli.error]));
    }
    default:
      return unreachable(options.engine);
  }
}

async function findAddon({ probe }: Search): Promise<Result<SpeechEngine, Failure>> {
  const version = await probe.version();
  if (!version.ok) return version;
  return ok({ name: 'addon', description: `@fugood/whisper.node ${version.value} (addon)` });
}

async function findCli(
  { whisperCli }: RecognizerOptions,
  { context }: Search,
): Promise<Result<SpeechEngine, Failure>> {
  const cli = await findWhisperCli(whisperCli, context.searchPath);
  return cli.ok ? ok({ name: 'cli', description: describeCli(cli.value) }) : cli;
}

function describeCli({ path, origin }: WhisperCli): string {
  const origins = {
    setting: 'named by a setting',
    path: 'found on PATH',
    built: 'built from the bundled sources',
  };
  return `whisper.cpp’s command line, ${origins[origin]} (${path})`;
}

function noEngineFailure(failures: readonly Failure[]): Failure {
  const details = failures.map(
    ({ message, operatorDetail: detail = '' }) => `${message}\n${detail}`,
  );
  const message = `No speech engine works on this machine. ${engineHint}`;
  return failure('tool', message, details.join('\n'));
}

function toContext(options: RecognizerOptions): SpeechContext {
  const { model, modelsDir, clock, logger, starter, searchPath, launch } = options;
  return {
    model,
    modelsDir,
    clock,
    logger,
    starter: starter ?? new DirectStarter(),
    searchPath: searchPath ?? process.env['PATH'] ?? '',
    launch: launch ?? ((argv) => argv),
  };
}
