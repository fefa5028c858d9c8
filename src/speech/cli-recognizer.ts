import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import { cpuSecondsOf, openFilesMax } from '../processes/child-limits.ts';
import { operatorDetail } from '../processes/operator-detail.ts';
import { commandText } from '../processes/command-text.ts';
import { LineSplitter } from '../processes/text-tail.ts';
import { runTool } from '../processes/tool-run.ts';
import type { ToolEnd } from '../processes/tool-run.ts';
import { ChildAnswers } from './child-answers.ts';
import { parseCliAnswer } from './cli-answer.ts';
import type { CliAnswer } from './cli-answer.ts';
import { placeSegments } from './place-segments.ts';
import { growing, windowsProgress } from './progress.ts';
import { automaticLanguage, prepareRecognition, toTranscript } from './recognition.ts';
import type { Recognition } from './recognition.ts';
import type {
  RecognitionControl,
  RecognitionRequest,
  Recognizer,
  Transcript,
  TranscriptSegment,
} from './recognizer.ts';
import { runSpeechChild } from './run-speech-child.ts';
import { engineEnvironment } from './speech-context.ts';
import type { SpeechContext } from './speech-context.ts';
import { endFailure, modelFailure, recordingFailure } from './speech-failures.ts';
import { windowTailMs } from './speech-windows.ts';
import type { SpeechWindow } from './speech-windows.ts';
import { Watchdog } from './watchdog.ts';
import { Recording, readPieces, toWav } from './wav.ts';
import { findWhisperCli } from './whisper-cli.ts';

/** What the command-line engine needs besides what all need. */
export interface CliContext extends SpeechContext {
  /** The setting, if there is one. */
  readonly whisperCli?: string;
  /** Whether the addon, which Silero's network needs too, can be loaded here. */
  readonly isAddonUsable: () => Promise<boolean>;
}

/**
 * Windows that one process recognizes: it loads the model once for all of them, and their files take no
 * more than 60 MB.
 */
const windowsPerRun = 60;

/** Recognizes with whisper.cpp's command line, as it was in early 2024 or is today. */
export function createCliRecognizer(context: CliContext): Recognizer {
  return {
    name: 'cli',
    recognize: (request, control) => recognizeWithCli(request, control, context),
  };
}

async function recognizeWithCli(
  request: RecognitionRequest,
  { signal, ...control }: RecognitionControl,
  context: CliContext,
): Promise<Result<Transcript, Failure>> {
  const prepared = await prepareRecognition(request, context);
  if (!prepared.ok) return prepared;
  const cli = await findWhisperCli(context.whisperCli, context.searchPath);
  if (!cli.ok) return cli;
  const recognition = prepared.value;
  const onProgress = growing((fraction) => control.onProgress(fraction));
  const job = { recognition, cliPath: cli.value.path, signal, onProgress, context };
  const heard = await listen(job);
  if (!heard.ok) return heard;
  const { windows, durationMs } = heard.value;
  const found = await recognizeWindows(job, windows);
  if (!found.ok) return found;
  onProgress(1);
  return ok(toTranscript(recognition, { recognizer: 'cli', durationMs, ...found.value }));
}

/** One recognition on its way. */
interface CliJob {
  readonly recognition: Recognition;
  readonly cliPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
  readonly context: CliContext;
}

/** Finds where somebody speaks, in a child: it takes a core for a while. */
async function listen({
  recognition,
  signal,
  onProgress,
  context,
}: CliJob): Promise<Result<ChildAnswers, Failure>> {
  const { request, sileroPath } = recognition;
  const useSilero = sileroPath !== undefined && (await context.isAddonUsable());
  const answers = new ChildAnswers(onProgress, context.logger);
  const run = await runSpeechChild(
    {
      task: 'listen',
      recordingPath: request.path,
      ...(useSilero ? { sileroPath } : {}),
    },
    {
      signal,
      timeoutMs: timeLeftMs(recognition, context),
      threads: request.threads,
      onMessage: (message) => answers.take(message),
    },
    context,
  );
  return run.ok ? ok(answers) : run;
}

interface FoundInWindows {
  readonly segments: readonly TranscriptSegment[];
  readonly language: string | undefined;
}

async function recognizeWindows(
  job: CliJob,
  windows: readonly SpeechWindow[],
): Promise<Result<FoundInWindows, Failure>> {
  const segments: TranscriptSegment[] = [];
  let language: string | undefined;
  let done = 0;
  while (done < windows.length) {
    // The first window decides on the language, so that a sentence in between can't change it.
    const isDeciding = done === 0 && job.recognition.language === automaticLanguage;
    const batch = windows.slice(done, done + (isDeciding ? 1 : windowsPerRun));
    const doneBefore = done;
    const onWindow = (count: number): void =>
      job.onProgress(windowsProgress(doneBefore + count, windows.length));
    const answers = await recognizeBatch(job, batch, {
      language: language ?? job.recognition.language,
      onWindow,
    });
    if (!answers.ok) return answers;
    for (const [index, answer] of answers.value.entries()) {
      const window = batch[index];
      if (window !== undefined) segments.push(...placeSegments(window, answer.segments));
      language ??= answer.language;
    }
    done += batch.length;
  }
  return ok({ segments, language });
}

interface BatchControl {
  readonly language: string;
  /** Called with the number of windows that are done. */
  readonly onWindow: (count: number) => void;
}

async function recognizeBatch(
  job: CliJob,
  windows: readonly SpeechWindow[],
  control: BatchControl,
): Promise<Result<readonly CliAnswer[], Failure>> {
  const { path, scratchDirectory } = job.recognition.request;
  const directory = await mkdtemp(join(scratchDirectory, 'windows-'));
  try {
    const written = await writeWindows(path, windows, directory);
    if (!written.ok) return written;
    const end = await runCli(job, { ...control, directory, count: windows.length });
    if (end.exit.cause !== undefined) return err(endFailure(end));
    return await readAnswers(end, directory, windows.length);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeWindows(
  recordingPath: string,
  windows: readonly SpeechWindow[],
  directory: string,
): Promise<Result<void, Failure>> {
  try {
    await using recording = await Recording.open(recordingPath);
    for (const [index, { pieces }] of windows.entries()) {
      const sound = await readPieces(recording, pieces, windowTailMs);
      await writeFile(join(directory, `${index}.wav`), toWav(sound), { flag: 'wx' });
    }
    return ok(undefined);
  } catch (error) {
    return err(recordingFailure(String(error)));
  }
}

interface CliRun extends BatchControl {
  /** Holds `0.wav`, `1.wav`, …; the answers are written beside them. */
  readonly directory: string;
  readonly count: number;
}

/** Longest line of whisper.cpp's talk that is looked at. */
const lineCharactersMax = 1000;

/** The answer of one window, with every token of it, has some ten kilobytes. */
const answerBytesMax = 64 * mebibyte;

async function runCli(job: CliJob, run: CliRun): Promise<ToolEnd> {
  const { recognition, signal, context } = job;
  const { threads } = recognition.request;
  const argv = context.launch([job.cliPath, ...cliArguments(recognition, run)], run.directory);
  context.logger.debug({ command: commandText(argv) }, 'starting whisper.cpp');
  let done = 0;
  const watchdog = new Watchdog({ threads, clock: context.clock });
  const lines = new LineSplitter(lineCharactersMax, (line) => {
    if (!line.includes('saving output to')) return;
    done += 1;
    watchdog.noteAnswer();
    run.onWindow(done);
  });
  const timeoutMs = timeLeftMs(recognition, context);
  return runTool(
    {
      argv,
      cwd: run.directory,
      env: engineEnvironment(context.searchPath, threads),
      access: {
        read: [recognition.model.path],
        execute: [job.cliPath],
        change: [run.directory],
      },
      limits: {
        cpuSec: cpuSecondsOf(timeoutMs, threads),
        fileBytesMax: answerBytesMax,
        openFilesMax,
      },
      timeoutMs,
      signal,
      onStdout: () => {},
      onStderr: (text) => lines.append(text),
      watch: (child) => watchdog.watch(child),
    },
    context,
  );
}

/** The arguments of one run; they mean the same in every version since early 2024. */
export function cliArguments(
  { model, request }: Pick<Recognition, 'model' | 'request'>,
  { language, count }: Pick<CliRun, 'language' | 'count'>,
): readonly string[] {
  const names = Array.from({ length: count }, (_, index) => String(index));
  return [
    ['--model', model.path],
    ['--language', language],
    ['--threads', String(request.threads)],
    ['--processors', '1'],
    // With earlier text as context one wrong word becomes many, and long recordings lose phrases.
    ['--max-context', '0'],
    // A greedy search: with the five beams of its default, the version of 2024 loses last words.
    ['--beam-size', '1'],
    ['--no-gpu'],
    ['--output-json-full'],
    ...names.map((name) => ['--file', `${name}.wav`, '--output-file', name]),
  ].flat();
}

/** It ends with 0 even when it could read neither its arguments nor a recording: only answers count. */
async function readAnswers(
  end: ToolEnd,
  directory: string,
  count: number,
): Promise<Result<readonly CliAnswer[], Failure>> {
  if (/failed to initialize whisper context/.test(end.stderr)) {
    return err(modelFailure(operatorDetail(end)));
  }
  if (end.exit.code !== 0) return err(endFailure(end));
  const answers: CliAnswer[] = [];
  for (let index = 0; index < count; index += 1) {
    const json = await readIfThere(join(directory, `${index}.json`));
    if (json === undefined) return err(endFailure(end));
    const answer = parseCliAnswer(json);
    if (!answer.ok) return answer;
    answers.push(answer.value);
  }
  return ok(answers);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

function timeLeftMs({ deadlineMs }: Recognition, { clock }: CliContext): number {
  return deadlineMs - clock.monotonicMs();
}
