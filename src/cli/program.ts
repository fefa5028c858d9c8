import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Help, Option } from 'commander';
import { z } from 'zod';
import type { Failure } from '../base/failure.ts';
import { loadSettings } from '../config/load-settings.ts';
import { describeSettings } from '../config/setting-specs.ts';
import { settingsSchema, type Settings } from '../config/settings.ts';
import { settingsHelp } from '../config/settings-help.ts';
import { reportFailure, reportWarning, type CliContext } from './context.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor-command.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { showGraph, graphFormats } from './graph-command.ts';
import { fetchNamedModel, listModels } from './model-command.ts';
import { parseParams } from './params.ts';
import { runFile } from './run-command.ts';
import { serve } from './serve-command.ts';

/** The values of a command's options, as commander collects them. */
type OptionValues = Readonly<Record<string, unknown>>;

/**
 * Runs one command line, without the program's name: `['run', 'film.mp4']`. Never throws for anything
 * that a person can get wrong; that is written to `context.error` and answered by the exit code.
 */
export async function runCli(argv: readonly string[], context: CliContext): Promise<ExitCode> {
  const outcome: Outcome = { exitCode: exitCodes.ok };
  const program = createProgram(context, outcome);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    // Help and version end the same way as an error does, with the exit code 0.
    return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  return outcome.exitCode;
}

/** Where the action that ran leaves its exit code. */
interface Outcome {
  exitCode: ExitCode;
}

/** Makes the whole command line. `outcome` takes the exit code of the command that ran. */
function createProgram(context: CliContext, outcome: Outcome): Command {
  const program = new Command('reelgraph')
    .description('Turns one uploaded video into everything a site needs to show it.')
    .version(context.version, '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Print this help.')
    .helpCommand('help [command]', 'Print the help of a command.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: (text) => context.error.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'Error: ')),
    })
    .configureHelp({ formatHelp })
    .showHelpAfterError('(--help says what there is.)');
  const add = (usage: string, summary: string): Command =>
    addSettings(program.command(usage).description(summary));
  const bind = (command: Command, act: Act): void => {
    command.action(async () => {
      outcome.exitCode = await perform(context, command, act);
    });
  };
  addRun(add, bind);
  addServe(add, bind);
  addGraph(add, bind);
  addDoctor(add, bind);
  addModel(program, bind);
  addDemo(add, bind);
  return program;
}

/** What a command does, once its settings are known. */
type Act = (call: Call) => Promise<ExitCode>;

/** One call of a command. */
interface Call {
  readonly context: CliContext;
  readonly settings: Settings;
  /** The settings that were given by flag or environment, rather than by default. */
  readonly given: ReadonlySet<keyof Settings>;
  readonly args: readonly string[];
  readonly options: OptionValues;
}

type Add = (usage: string, summary: string) => Command;
type Bind = (command: Command, act: Act) => void;

function addRun(add: Add, bind: Bind): void {
  const command = add('run', 'Run one film through a pipeline, without a server.')
    .argument('<file>', 'The film.')
    .option('-o, --out <directory>', 'Where the products go (default: ./<film>-reelgraph).')
    .option('-p, --pipeline <name>', 'The pipeline.', 'standard')
    .option('--param <name=value>', 'A parameter of the pipeline; may be repeated.', collect)
    .option('-f, --force', 'Write into a directory that holds other files.');
  bind(command, async ({ context, settings, given, args, options }) => {
    const { out, pipeline, param, force } = runOptionsSchema.parse(options);
    const params = parseParams(param);
    if (!params.ok) return refuse(context, params.error);
    const quiet = given.has('logLevel') ? settings : { ...settings, logLevel: 'silent' as const };
    return runFile(context, quiet, {
      file: args[0] ?? '',
      pipeline,
      params: params.value,
      force,
      ...(out !== undefined && { out }),
    });
  });
}

const runOptionsSchema = z.object({
  out: z.string().optional(),
  pipeline: z.string(),
  param: z.array(z.string()).default([]),
  force: z.boolean().default(false),
});

function addServe(add: Add, bind: Bind): void {
  const command = add('serve', 'Serve the HTTP API until a signal ends it.');
  bind(command, ({ context, settings }) => serve(context, settings));
}

function addGraph(add: Add, bind: Bind): void {
  const command = add('graph', 'Draw a pipeline.')
    .argument('[pipeline]', 'Its name.', 'standard')
    .option('--param <name=value>', 'A parameter of the pipeline; may be repeated.', collect)
    .addOption(
      new Option('--format <format>', 'The form of the drawing.')
        .choices(graphFormats)
        .default('text'),
    );
  bind(command, async ({ context, settings, args, options }) => {
    const { param, format } = graphOptionsSchema.parse(options);
    const params = parseParams(param);
    if (!params.ok) return refuse(context, params.error);
    const pipeline = args[0] ?? 'standard';
    return showGraph(context, settings, { pipeline, params: params.value, format });
  });
}

const graphOptionsSchema = z.object({
  param: z.array(z.string()).default([]),
  format: z.enum(graphFormats),
});

function addDoctor(add: Add, bind: Bind): void {
  const command = add('doctor', 'Look at everything that the service needs, and say what to do.');
  bind(command, ({ context, settings }) => doctor(context, settings));
}

function addModel(program: Command, bind: Bind): void {
  const model = program.command('model').description('Fetch and list speech models.');
  const fetching = addSettings(model.command('fetch').description('Download a published model.'));
  bind(fetching.argument('<name>', 'Its name, e.g. base.en.'), ({ context, settings, args }) =>
    fetchNamedModel(context, settings, args[0] ?? ''),
  );
  const listing = addSettings(model.command('list').description('List the published models.'));
  bind(listing, ({ context, settings }) => listModels(context, settings));
}

function addDemo(add: Add, bind: Bind): void {
  const command = add('demo', 'Serve, upload the sample clip, and show what becomes of it.').option(
    '--exit',
    'End when the products are there.',
  );
  bind(command, ({ context, settings, given, options }) => {
    const quiet = given.has('logLevel') ? settings : { ...settings, logLevel: 'silent' as const };
    return demo(context, quiet, { exit: options.exit === true, given });
  });
}

async function perform(context: CliContext, command: Command, act: Act): Promise<ExitCode> {
  const options: OptionValues = command.opts();
  const specs = describeSettings();
  const flags = Object.fromEntries(
    specs.map(({ name }) => [name, z.string().optional().parse(options[name])]),
  );
  const loaded = loadSettings({ flags, env: context.env });
  if (!loaded.ok) return refuse(context, loaded.error);
  for (const warning of loaded.value.warnings) reportWarning(context, warning);
  const given = specs.filter(
    ({ name, variable }) => flags[name] !== undefined || Boolean(context.env[variable]),
  );
  return act({
    context,
    settings: withOwnPipelines(loaded.value.settings),
    given: new Set(given.map(({ name }) => name)),
    args: command.args,
    options,
  });
}

/** The pipelines that come with the program, for callers whose directory has none. */
const ownPipelines = join(import.meta.dirname, '..', '..', 'pipelines');

function withOwnPipelines(settings: Settings): Settings {
  const isDefault = settings.pipelines === settingsSchema.shape.pipelines.parse(undefined);
  return isDefault && !existsSync(settings.pipelines)
    ? { ...settings, pipelines: ownPipelines }
    : settings;
}

/** Every command takes every setting, so that a flag means the same wherever it stands. */
function addSettings(command: Command): Command {
  for (const { flag, placeholder, description } of describeSettings()) {
    command.option(`--${flag} <${placeholder}>`, description);
  }
  return command;
}

/** Help with the settings in a table of their own: flag, environment variable, default. */
function formatHelp(command: Command, helper: Help): string {
  const settings = new Set(describeSettings().map(({ flag }) => `--${flag}`));
  const hasSettings = command.options.some(({ long }) => settings.has(long ?? ''));
  const own = new Help();
  own.visibleOptions = (shown) =>
    helper.visibleOptions(shown).filter(({ long }) => !settings.has(long ?? ''));
  own.helpWidth = helper.helpWidth ?? 80;
  const text = Help.prototype.formatHelp.call(own, command, own);
  return hasSettings ? `${text}\nSettings:\n${settingsHelp()}\n` : text;
}

function refuse(context: CliContext, reason: Failure): ExitCode {
  reportFailure(context, reason);
  return exitCodes.usage;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
