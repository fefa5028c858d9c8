import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { formatBytes } from '../base/units.ts';
import { modelsDirectoryOf } from '../config/models-directory.ts';
import type { Settings } from '../config/settings.ts';
import { findSpeechEngine } from '../speech/create-recognizer.ts';
import { findPublishedModel, sileroModel } from '../speech/model-catalog.ts';
import { readModelState } from '../speech/model-state.ts';
import { fetchHint, findModel } from '../speech/models.ts';
import type { Check } from './checks.ts';

/**
 * Looks at all that captions need: an engine, a model, and the model that finds voices. Nothing of it
 * is `broken`: jobs succeed without captions, with a warning.
 */
export async function checkSpeech(settings: Settings): Promise<readonly Check[]> {
  return [
    await checkEngine(settings),
    await checkModel(settings),
    await checkVoiceModel(modelsDirectoryOf(settings)),
  ];
}

async function checkEngine(settings: Settings): Promise<Check> {
  const title = 'Speech engine';
  const { recognizer: engine, whisperCli, whisperModel: model } = settings;
  const found = await findSpeechEngine({
    engine,
    ...(whisperCli !== undefined && { whisperCli }),
    model,
    modelsDir: modelsDirectoryOf(settings),
    clock: systemClock,
    logger: silentLogger,
  });
  if (found.ok) return { title, verdict: 'fine', finding: found.value.description };
  return { title, verdict: 'note', finding: `No captions: ${found.error.message}` };
}

async function checkModel({ whisperModel, ...settings }: Settings): Promise<Check> {
  const title = 'Speech model';
  const directory = modelsDirectoryOf(settings);
  const found = await findModel(whisperModel, directory);
  if (!found.ok) return { title, verdict: 'note', finding: `No captions: ${found.error.message}` };
  const { name, path, isEnglishOnly } = found.value;
  const published = findPublishedModel(whisperModel);
  if (published !== undefined) {
    const { state, bytes } = await readModelState(published, directory);
    if (state === 'different') {
      const finding = `${path} has ${formatBytes(bytes)}, the published one ${formatBytes(published.bytes)}.`;
      return { title, verdict: 'note', finding, remedy: fetchHint(published.name) };
    }
  }
  const languages = isEnglishOnly ? 'English only' : 'multilingual';
  return { title, verdict: 'fine', finding: `${name}, ${languages} (${path})` };
}

async function checkVoiceModel(directory: string): Promise<Check> {
  const title = 'Voice activity';
  const path = join(directory, sileroModel.fileName);
  const { state } = await readModelState(sileroModel, directory);
  if (state === 'here') return { title, verdict: 'fine', finding: `Silero (${path})` };
  const finding =
    'Silero’s model is not here: WebRTC’s detector is used, which takes loud noise for speech.';
  return { title, verdict: 'note', finding, remedy: fetchHint(sileroModel.name) };
}
