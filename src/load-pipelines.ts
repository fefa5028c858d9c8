import { failure, type Failure } from './base/failure.ts';
import { err, type Result } from './base/result.ts';
import type { Settings } from './config/settings.ts';
import type { MediaTools } from './ffmpeg/media-tools.ts';
import { loadPipelineLibrary, type PipelineLibrary } from './jobs/pipeline-library.ts';
import { createKinds } from './nodes/catalog.ts';
import type { KindCatalog } from './pipeline/kind-spec.ts';
import type { Recognizer } from './speech/recognizer.ts';
import type { Storage } from './storage/storage.ts';

/**
 * Reads the configured pipelines against all node kinds, without looking for the programs that the
 * kinds work with: definitions can be drawn and checked on any machine. Failures: those of
 * `loadPipelineLibrary`.
 */
export function loadPipelines(settings: Settings): Promise<Result<PipelineLibrary, Failure>> {
  return loadPipelineLibrary(settings.pipelines, createKindSpecs(settings.whisperModel));
}

/** All node kinds, for who reads definitions or describes them and runs nothing; estimates are those of `speechModel`. */
export function createKindSpecs(speechModel = 'base'): KindCatalog {
  const services = { tools: noTools, storage: noStorage, recognizer: noRecognizer };
  return createKinds({ ...services, speechModel });
}

/** What every service answers here; nobody asks, as nothing is run. */
function refuse(): Promise<Result<never, Failure>> {
  return Promise.resolve(err(failure('unavailable', 'This process only reads definitions.')));
}

const noTools: MediaTools = { probe: refuse, run: refuse, verify: refuse };
const noStorage: Storage = {
  sweep: refuse,
  put: refuse,
  open: refuse,
  removeAllBut: refuse,
  removeJob: refuse,
};
const noRecognizer: Recognizer = { name: 'none', recognize: refuse };
