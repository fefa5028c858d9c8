/**
 * The program of the speech child (see `child-protocol.ts`): the only place where native code runs. It
 * serves one order and ends. It also ends when its standard input does: then the service is gone.
 */
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { answerDescriptor } from '../processes/child.ts';
import { childOrder } from './child-protocol.ts';
import type { ChildMessage, ChildTask, FailedPart } from './child-protocol.ts';
import { detectSpeech } from './detect-speech.ts';
import { toSegment } from './engine-words.ts';
import type { TranscriptSegment } from './recognizer.ts';
import { packWindows, windowTailMs } from './speech-windows.ts';
import type { SpeechWindow } from './speech-windows.ts';
import { Recording, readPieces } from './wav.ts';
import { loadWhisperAddon, whisperAddonVersion } from './whisper-addon.ts';
import type { VoiceActivityContext, WhisperContext } from './whisper-addon.ts';

type ListenTask = Extract<ChildTask, { readonly recordingPath: string }>;
type RecognizeTask = Extract<ChildTask, { readonly task: 'recognize' }>;

/** A failure with the part of the work in which it happened. */
class PartError extends Error {
  readonly part: FailedPart;

  constructor(part: FailedPart, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.part = part;
  }
}

const answers = createWriteStream('', { fd: answerDescriptor });
const input = createInterface({ input: process.stdin });
input.once('line', (line) => void serve(line));
input.once('close', leave);

async function serve(line: string): Promise<void> {
  let last: ChildMessage = { event: 'done' };
  try {
    await perform(childOrder.parse(JSON.parse(line)));
  } catch (error) {
    const { part, message } =
      error instanceof PartError ? error : new PartError('recognition', error);
    last = { event: 'failed', part, detail: message };
  }
  answers.end(`${JSON.stringify(last)}\n`, leave);
}

/** By signal, because an ordinary exit waits for native code, which can't be stopped. */
function leave(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function perform(task: ChildTask): Promise<void> {
  if (task.task === 'probe') {
    await attempt('addon', loadWhisperAddon());
    answer({ event: 'loaded', version: whisperAddonVersion() });
    return;
  }
  await using recording = await attempt('recording', Recording.open(task.recordingPath));
  const windows = await listen(task, recording);
  if (task.task === 'listen' || windows.length === 0) return;
  const whisper = await loadModel(task.modelPath);
  let { language } = task;
  for (const window of windows) {
    const sound = await attempt('recording', readPieces(recording, window.pieces, windowTailMs));
    const recognized = await recognize(whisper, sound.buffer, { ...task, language });
    answer({ event: 'recognized', ...recognized });
    // The first window decides, so that a sentence in between can't change the language.
    language = recognized.language ?? language;
  }
}

async function listen(task: ListenTask, recording: Recording): Promise<readonly SpeechWindow[]> {
  const { silero, problem } = await loadSilero(task.sileroPath);
  const speech = await attempt(
    'recording',
    detectSpeech(recording, {
      ...(silero === undefined ? {} : { silero }),
      onProgress: (fraction) => answer({ event: 'progress', fraction }),
    }),
  );
  const windows = packWindows(speech);
  answer({
    event: 'heard',
    durationMs: recording.durationMs,
    windows,
    ...(problem === undefined ? {} : { sileroProblem: problem }),
  });
  return windows;
}

interface LoadedSilero {
  readonly silero?: VoiceActivityContext;
  readonly problem?: string;
}

/** Loads Silero's network. Without it, WebRTC's detector listens: worse in noise, but it does. */
async function loadSilero(path: string | undefined): Promise<LoadedSilero> {
  if (path === undefined) return {};
  try {
    const addon = await loadWhisperAddon();
    // One thread: the network is so small that sharing it costs more than it saves.
    const options = { filePath: path, useGpu: false, nThreads: 1 };
    return { silero: await addon.initWhisperVad(options, 'default') };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function loadModel(path: string): Promise<WhisperContext> {
  const addon = await attempt('addon', loadWhisperAddon());
  return attempt('model', addon.initWhisper({ filePath: path, useGpu: false }, 'default'));
}

interface RecognizedWindow {
  readonly segments: TranscriptSegment[];
  readonly language?: string;
}

/**
 * Recognizes one window. The addon's promise never settles when whisper.cpp fails, so there is a limit.
 */
async function recognize(
  whisper: WhisperContext,
  sound: ArrayBuffer,
  { language, threads, windowLimitMs }: RecognizeTask,
): Promise<RecognizedWindow> {
  const segments: TranscriptSegment[] = [];
  const { promise } = whisper.transcribeData(sound, {
    language,
    maxThreads: threads,
    // With earlier text as context one wrong word becomes many, and long recordings lose phrases.
    maxContext: 0,
    temperature: 0,
    // Every token as a segment of its own: the only way to the times of words.
    tokenTimestamps: true,
    maxLen: 1,
    onNewSegments: ({ result, segments: parts }) => {
      const tokens = parts.map(({ text, t0, t1 }) => ({ text, startMs: t0, endMs: t1 }));
      const edges = { startMs: tokens[0]?.startMs ?? 0, endMs: tokens.at(-1)?.endMs ?? 0 };
      segments.push(toSegment({ ...edges, text: result }, tokens));
    },
  });
  const result = await attempt('recognition', within(promise, windowLimitMs));
  return {
    segments,
    ...(result.language === undefined ? {} : { language: result.language }),
  };
}

async function within<Value>(work: Promise<Value>, limitMs: number): Promise<Value> {
  const { promise: limit, reject } = Promise.withResolvers<never>();
  const seconds = Math.round(limitMs / 1000);
  const message = `The recognition of one window did not end within ${seconds} s.`;
  const timer = setTimeout(() => reject(new Error(message)), limitMs);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

async function attempt<Value>(part: FailedPart, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    throw new PartError(part, error);
  }
}

function answer(message: ChildMessage): void {
  answers.write(`${JSON.stringify(message)}\n`);
}
