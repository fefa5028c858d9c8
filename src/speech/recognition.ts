import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../base/failure.ts';
import { ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { findModel, sileroFileName } from './models.ts';
import type { SpeechModel } from './models.ts';
import type { RecognitionRequest, Transcript, TranscriptSegment } from './recognizer.ts';
import type { SpeechContext } from './speech-context.ts';
import { recognitionLimitMs } from './time-limit.ts';
import { fromWhisperLanguage, toWhisperLanguage } from './whisper-language.ts';

/** What engines take for "find out yourself which language it is". */
export const automaticLanguage = 'auto';

/** ISO 639-2 for a language that nobody could tell: there was nothing to hear. */
const undeterminedLanguage = 'und';

/** A request with everything looked up. */
export interface Recognition {
  readonly request: RecognitionRequest;
  readonly model: SpeechModel;
  /** As engines take it: see {@link toWhisperLanguage}, or {@link automaticLanguage}. */
  readonly language: string;
  /** Where Silero's model is, if it is there. */
  readonly sileroPath?: string;
  /** When it has to be over, on the clock's monotonic time. */
  readonly deadlineMs: number;
}

/** Looks up what a request needs. Failure: `model_missing`. */
export async function prepareRecognition(
  request: RecognitionRequest,
  context: SpeechContext,
): Promise<Result<Recognition, Failure>> {
  const { model: configuredModel, modelsDir, clock } = context;
  const model = await findModel(request.model ?? configuredModel, modelsDir);
  if (!model.ok) return model;
  const sileroPath = join(modelsDir, sileroFileName);
  return ok({
    request,
    model: model.value,
    language: model.value.isEnglishOnly
      ? 'en'
      : toWhisperLanguage(request.language ?? automaticLanguage),
    ...((await isThere(sileroPath)) ? { sileroPath } : {}),
    deadlineMs: clock.monotonicMs() + recognitionLimitMs(request.durationSec, request.threads),
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** What an engine found out. */
export interface Findings {
  readonly recognizer: string;
  readonly durationMs: number;
  /** The language that the engine worked with; absent when there was nothing to recognize. */
  readonly language: string | undefined;
  readonly segments: readonly TranscriptSegment[];
}

/** The transcript of a recognition. */
export function toTranscript({ language, model }: Recognition, findings: Findings): Transcript {
  const isGiven = language !== automaticLanguage;
  const spoken = isGiven ? language : (findings.language ?? undeterminedLanguage);
  return {
    language: fromWhisperLanguage(spoken),
    isLanguageDetected: !isGiven && findings.language !== undefined,
    durationMs: findings.durationMs,
    recognizer: findings.recognizer,
    model: model.name,
    segments: findings.segments,
  };
}
