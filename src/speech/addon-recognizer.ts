import type { Failure } from '../base/failure.ts';
import { ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { ChildAnswers } from './child-answers.ts';
import { growing } from './progress.ts';
import { prepareRecognition, toTranscript } from './recognition.ts';
import type {
  RecognitionControl,
  RecognitionRequest,
  Recognizer,
  Transcript,
} from './recognizer.ts';
import { runSpeechChild } from './run-speech-child.ts';
import type { SpeechContext } from './speech-context.ts';
import { recognitionLimitMs } from './time-limit.ts';

/** A window may take as long as a recording of that many seconds. */
const windowSec = 30;

/** Recognizes with whisper.cpp in a prebuilt library: one child process per recording. */
export function createAddonRecognizer(context: SpeechContext): Recognizer {
  return {
    name: 'addon',
    recognize: (request, control) => recognizeWithAddon(request, control, context),
  };
}

async function recognizeWithAddon(
  request: RecognitionRequest,
  control: RecognitionControl,
  context: SpeechContext,
): Promise<Result<Transcript, Failure>> {
  const prepared = await prepareRecognition(request, context);
  if (!prepared.ok) return prepared;
  const { model, language, sileroPath, deadlineMs } = prepared.value;
  const onProgress = growing((fraction) => control.onProgress(fraction));
  const answers = new ChildAnswers(onProgress, context.logger);
  const run = await runSpeechChild(
    {
      task: 'recognize',
      recordingPath: request.path,
      ...(sileroPath === undefined ? {} : { sileroPath }),
      modelPath: model.path,
      language,
      threads: request.threads,
      windowLimitMs: recognitionLimitMs(windowSec, request.threads),
    },
    {
      signal: control.signal,
      timeoutMs: deadlineMs - context.clock.monotonicMs(),
      threads: request.threads,
      onMessage: (message) => answers.take(message),
    },
    context,
  );
  if (!run.ok) return run;
  onProgress(1);
  const { durationMs, language: spoken, segments } = answers;
  return ok(
    toTranscript(prepared.value, { recognizer: 'addon', durationMs, language: spoken, segments }),
  );
}
