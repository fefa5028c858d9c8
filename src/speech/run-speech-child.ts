import { tmpdir } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import { cpuSecondsOf, openFilesMax } from '../processes/child-limits.ts';
import { commandText } from '../processes/command-text.ts';
import { LineSplitter } from '../processes/text-tail.ts';
import { runTool } from '../processes/tool-run.ts';
import { childMessage, messageCharactersMax } from './child-protocol.ts';
import type { ChildMessage, ChildTask } from './child-protocol.ts';
import { engineEnvironment } from './speech-context.ts';
import type { SpeechContext } from './speech-context.ts';
import { endFailure, partFailure } from './speech-failures.ts';
import { Watchdog } from './watchdog.ts';

/** How a run of the speech child is followed and ended. */
export interface SpeechChildControl {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly threads: number;
  /** Takes all messages but the last one, in order. */
  onMessage(message: ChildMessage): void;
}

/**
 * Has a task done by a child process of its own, which is gone when this settles. Failures: `cancelled`,
 * `timeout`, `stalled`, and `tool` when the child says so or ends without having done it.
 */
export async function runSpeechChild(
  task: ChildTask,
  control: SpeechChildControl,
  context: SpeechContext,
): Promise<Result<void, Failure>> {
  const cwd = tmpdir();
  const argv = context.launch([process.execPath, childPath], cwd);
  context.logger.debug({ command: commandText(argv), task: task.task }, 'starting a speech child');
  let last: ChildMessage | undefined;
  const watchdog = new Watchdog({ threads: control.threads, clock: context.clock });
  const splitter = new LineSplitter(messageCharactersMax, (line) => {
    const message = parseMessage(line);
    if (message === undefined) return;
    watchdog.noteAnswer();
    if (message.event === 'done' || message.event === 'failed') last ??= message;
    else control.onMessage(message);
  });
  const end = await runTool(
    {
      argv,
      cwd,
      env: engineEnvironment(context.searchPath, control.threads),
      access: {
        read: [...programPaths, ...inputsOf(task)],
        execute: [process.execPath],
        change: [],
      },
      limits: {
        cpuSec: cpuSecondsOf(control.timeoutMs, control.threads + ownThreads),
        fileBytesMax,
        openFilesMax,
      },
      timeoutMs: control.timeoutMs,
      signal: control.signal,
      // The native code's own talk.
      onStdout: () => {},
      conversation: {
        order: JSON.stringify(task),
        onAnswer: (text) => splitter.append(text),
      },
      watch: (child) => watchdog.watch(child),
    },
    context,
  );
  if (last?.event === 'done') return ok(undefined);
  return err(last?.event === 'failed' ? partFailure(last.part, last.detail) : endFailure(end));
}

/** Threads of Node itself beside those of the engine: JavaScript, and the collector of its garbage. */
const ownThreads = 2;

/** It writes to pipes only. The rest is room for what a native library may keep in a file of its own. */
const fileBytesMax = 16 * mebibyte;

/** The child's program: beside this file, as TypeScript in a checkout and as JavaScript in a build. */
const childPath = fileURLToPath(
  new URL(`speech-child${extname(import.meta.url)}`, import.meta.url),
);

/** What the child loads: this program, and the packages with the addon and the WebRTC detector. */
const programPaths: readonly string[] = ['..', '../../package.json', '../../node_modules'].map(
  (path) => fileURLToPath(new URL(path, import.meta.url)),
);

/** The files that a task names. */
function inputsOf(task: ChildTask): readonly string[] {
  if (task.task === 'probe') return [];
  const models = [task.sileroPath, task.task === 'recognize' ? task.modelPath : undefined];
  return [task.recordingPath, ...models].filter((path) => path !== undefined);
}

/** A message, or nothing for a line that is none: the child was ended in the middle of it. */
function parseMessage(line: string): ChildMessage | undefined {
  try {
    return childMessage.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
