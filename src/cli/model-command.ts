import { unreachable } from '../base/assert.ts';
import type { Failure } from '../base/failure.ts';
import type { Result } from '../base/result.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import { modelsDirectoryOf } from '../config/models-directory.ts';
import type { Settings } from '../config/settings.ts';
import { fetchModel, type FetchedModel } from '../speech/fetch-model.ts';
import {
  findPublishedModel,
  publishedModels,
  sileroModel,
  type PublishedModel,
} from '../speech/model-catalog.ts';
import { readModelState, type ModelState } from '../speech/model-state.ts';
import { findModel, isModelPath, unknownModel } from '../speech/models.ts';
import { reportFailure, reportWarning, type CliContext } from './context.ts';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-code.ts';
import { listenForInterrupt } from './interrupt.ts';
import { createFetchDisplay } from './model-progress.ts';
import { renderLines, span, type Line } from './text.ts';

/**
 * Brings a published model, and with a speech model the one that finds voices. An interrupted fetch goes
 * on where it ended.
 */
export async function fetchNamedModel(
  context: CliContext,
  settings: Settings,
  name: string,
): Promise<ExitCode> {
  if (name === sileroModel.name) return bringModels(context, settings, { model: sileroModel });
  const model = findPublishedModel(name);
  if (model === undefined) {
    reportFailure(context, unknownModel(name));
    return exitCodes.usage;
  }
  return bringModels(context, settings, { model, companion: sileroModel });
}

/** A model to bring. */
export interface WantedModel {
  readonly model: PublishedModel;
  /** Brought along; the model works without it, so that its failure is only a warning. */
  readonly companion?: PublishedModel;
}

/** Brings a model with its companion, and shows how that goes. */
export async function bringModels(
  context: CliContext,
  settings: Settings,
  { model, companion }: WantedModel,
): Promise<ExitCode> {
  using interrupt = listenForInterrupt(context.signals);
  const { signal } = interrupt;
  const fetched = await fetchShown(context, settings, { model, signal });
  if (!fetched.ok) return fail(context, fetched.error);
  if (companion === undefined) return exitCodes.ok;
  const along = await fetchShown(context, settings, { model: companion, signal });
  if (!along.ok) {
    if (along.error.code === 'cancelled') return fail(context, along.error);
    const substitute = 'Until it is there, voices are found with WebRTC’s detector.';
    reportWarning(context, `${companion.name} is missing: ${along.error.message} ${substitute}`);
  }
  sayHowToUse(context, settings, model);
  return exitCodes.ok;
}

interface ShownFetch {
  readonly model: PublishedModel;
  readonly signal: AbortSignal;
}

async function fetchShown(
  { out, clock }: CliContext,
  settings: Settings,
  { model, signal }: ShownFetch,
): Promise<Result<FetchedModel, Failure>> {
  const display = createFetchDisplay(out, clock, model);
  const directory = modelsDirectoryOf(settings);
  const fetched = await fetchModel(
    { model, directory, baseUrl: settings.modelsUrl },
    {
      signal,
      clock,
      onProgress: (bytesDone) => display.progress(bytesDone),
      onRetry: (reason, delayMs) =>
        display.say(`${reason.message} Trying again in ${formatDuration(delayMs)}.`),
    },
  );
  display.close();
  if (fetched.ok) {
    const { path, wasThere } = fetched.value;
    const finding = wasThere ? 'is there already' : 'is there now';
    out.write(`${model.name} ${finding}, size and SHA-256 are right: ${path}\n`);
  }
  return fetched;
}

/** Fetching a model does not make the service use it. */
function sayHowToUse({ out }: CliContext, { whisperModel }: Settings, model: PublishedModel): void {
  if (whisperModel === model.name) return;
  out.write(
    `The configured model is ${whisperModel}. To use this one, set REELGRAPH_WHISPER_MODEL=${model.name} or --whisper-model ${model.name}.\n`,
  );
}

/** Lists the published models, what there is of each, and which one is configured. */
export async function listModels(context: CliContext, settings: Settings): Promise<ExitCode> {
  const directory = modelsDirectoryOf(settings);
  const { style } = context.out;
  const mark = style.unicode ? '●' : '*';
  const listed = [...publishedModels, sileroModel];
  const columns = Math.max(...listed.map(({ name }) => name.length));
  const lines: Line[] = [];
  for (const model of listed) {
    const isConfigured = model.name === settings.whisperModel;
    const state = await readModelState(model, directory);
    lines.push([
      span(isConfigured ? `${mark} ` : '  ', 'busy'),
      span(model.name.padEnd(columns), isConfigured ? 'strong' : 'plain'),
      span(`${formatBytes(model.bytes).padStart(11)}  `),
      stateSpan(model, state),
      ...(model === sileroModel ? [span('  finds where somebody speaks', 'dim')] : []),
    ]);
  }
  const configured = await configuredLine(settings, directory, mark);
  const about = `In ${directory}. "reelgraph model fetch NAME" gets a model.`;
  context.out.write(renderLines([...lines, [], configured, [span(about, 'dim')]], style));
  return exitCodes.ok;
}

function stateSpan(model: PublishedModel, { state, bytes }: ModelState): Line[number] {
  switch (state) {
    case 'here':
      return span('here', 'good');
    case 'partial':
      return span(`${Math.floor((bytes / model.bytes) * 100)} % fetched`, 'warn');
    case 'different':
      return span(`another file of ${formatBytes(bytes)}; fetch replaces it`, 'warn');
    case 'absent':
      return span('not here', 'dim');
    default:
      return unreachable(state);
  }
}

async function configuredLine(settings: Settings, directory: string, mark: string): Promise<Line> {
  const { whisperModel } = settings;
  const sort = isModelPath(whisperModel) ? 'file' : 'model';
  const title = span(`${mark} The configured ${sort} is ${whisperModel}. `);
  const found = await findModel(whisperModel, directory);
  if (!found.ok) return [title, span(found.error.message, 'warn')];
  return [
    title,
    span(found.value.isEnglishOnly ? 'It knows English only.' : 'It is multilingual.'),
  ];
}

function fail(context: CliContext, reason: Failure): ExitCode {
  reportFailure(context, reason);
  return exitCodeOf(reason.code);
}
