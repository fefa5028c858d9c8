import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { required } from '../base/assert.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { planArguments } from './arguments.ts';
import { Child } from '../processes/child.ts';
import type { FfmpegCommand } from './command.ts';
import { commandText } from '../processes/command-text.ts';
import { classifyRun, mediaFailure } from './errors.ts';
import { runWithFluent } from './fluent.ts';
import { scratchBytesMaxDefault } from './limits.ts';
import type { RunControl, RunReport } from './media-tools.ts';
import { ProgressReader } from './progress.ts';
import type { RunProgress } from './progress.ts';
import { limitsOfRun } from './run-limits.ts';
import { LineSplitter, TextTail } from '../processes/text-tail.ts';
import type { ToolContext } from './tool-context.ts';
import { stderrCharactersMax } from '../processes/tool-run.ts';
import { frameTimesOptionOf } from './version.ts';

/** Longest line of a progress report; real ones have about thirty characters. */
const progressLineCharactersMax = 1000;

/** Looks at a run that often within the time that it may stand still. */
const looksPerStallLimit = 6;

/** Runs one command; see {@link MediaTools.run}. */
export async function runCommand(
  command: FfmpegCommand,
  control: RunControl,
  context: ToolContext,
): Promise<Result<RunReport, Failure>> {
  if (control.signal.aborted) return err(mediaFailure('cancelled'));
  const { threads, durationSec } = control;
  const plan = planArguments(command, {
    threads,
    durationSec,
    limits: context.limits,
    frameTimesOption: frameTimesOptionOf(context.toolchain.ffmpeg.version),
  });
  const cwd = dirname(required(command.outputs[0], 'output').path);
  const stderr = new TextTail(stderrCharactersMax);
  const progress = new ProgressFollower(control);
  let argv: readonly string[] = [];
  const watch: (() => void)[] = [];
  const exit = await runWithFluent(plan, (args) => {
    argv = context.launch([context.toolchain.ffmpeg.path, ...args], cwd);
    context.logger.debug({ command: commandText(argv) }, 'starting ffmpeg');
    const child = new Child(
      {
        argv,
        cwd,
        env: context.environment,
        access: {
          read: command.inputs.map(({ path }) => path),
          execute: [context.toolchain.ffmpeg.path],
          change: [cwd],
        },
        limits: limitsOfRun({
          timeoutMs: context.runLimitMs,
          threads,
          fileBytesMax: context.limits.scratchBytesMax ?? scratchBytesMaxDefault,
        }),
        onStdout: (text) => progress.append(text),
        onStderr: (text) => stderr.append(text),
      },
      context,
    );
    watch.push(endOnAbort(child, control.signal), watchForStall(child, progress, context));
    return child;
  });
  for (const stopWatching of watch) stopWatching();
  const failed = classifyRun({ argv, exit, stderr: stderr.text }, context.limits);
  if (failed !== undefined) return err(failed);
  progress.complete();
  return ok({ outTimeSec: progress.latest.outTimeSec });
}

/** Turns ffmpeg's progress lines into a growing fraction. */
class ProgressFollower {
  readonly #control: RunControl;
  readonly #reader = new ProgressReader();
  readonly #splitter = new LineSplitter(progressLineCharactersMax, (line) => this.#takeLine(line));
  #latest: RunProgress = { outTimeSec: 0, mark: '' };
  #fraction = 0;

  constructor(control: RunControl) {
    this.#control = control;
  }

  get latest(): RunProgress {
    return this.#latest;
  }

  append(text: string): void {
    this.#splitter.append(text);
  }

  /** The run ended well, whatever part of the expected length it made. */
  complete(): void {
    this.#report(1);
  }

  #takeLine(line: string): void {
    const progress = this.#reader.takeLine(line);
    if (progress === undefined) return;
    this.#latest = progress;
    const { durationSec } = this.#control;
    if (durationSec > 0) this.#report(Math.min(1, progress.outTimeSec / durationSec));
  }

  #report(fraction: number): void {
    if (fraction <= this.#fraction) return;
    this.#fraction = fraction;
    this.#control.onProgress(fraction);
  }
}

function endOnAbort(child: Child, signal: AbortSignal): () => void {
  const end = (): void => child.end('cancelled');
  // The abort may have come while the child was being started.
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  return () => signal.removeEventListener('abort', end);
}

/**
 * Ends a run that stands still: neither did its output grow nor did it read anything. Reading counts
 * because a search through a long film for its best picture writes nothing until the end.
 */
function watchForStall(
  child: Child,
  progress: ProgressFollower,
  { clock, stallLimitMs }: ToolContext,
): () => void {
  let lastMark = '';
  let lastMoveMs = clock.monotonicMs();
  let cancelLook: (() => void) | undefined;
  const look = async (): Promise<void> => {
    const mark = `${progress.latest.mark} ${await readBytesOf(child.pid)}`;
    if (hasEnded) return;
    if (mark !== lastMark) lastMoveMs = clock.monotonicMs();
    lastMark = mark;
    if (clock.monotonicMs() - lastMoveMs >= stallLimitMs) child.end('stalled');
    else scheduleLook();
  };
  let hasEnded = false;
  const scheduleLook = (): void => {
    cancelLook = clock.after(stallLimitMs / looksPerStallLimit, () => void look());
  };
  scheduleLook();
  return () => {
    hasEnded = true;
    cancelLook?.();
  };
}

/** Bytes that a process has read so far (proc(5), `rchar`); empty where the system does not tell. */
async function readBytesOf(pid: number | undefined): Promise<string> {
  try {
    const counters = await readFile(`/proc/${pid}/io`, 'utf8');
    return /^rchar: (\d+)$/m.exec(counters)?.[1] ?? '';
  } catch {
    return '';
  }
}
