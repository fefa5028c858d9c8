import ffmpeg from 'fluent-ffmpeg';
import type { ChildProcess } from 'node:child_process';
import { assert } from '../base/assert.ts';
import type { ArgumentPlan } from './arguments.ts';
import type { Child, ChildExit } from '../processes/child.ts';

/** fluent-ffmpeg's keeper of the last output lines; ours are kept by {@link Child}'s owner. */
interface LineRing {
  get(): string;
  callback(onLine: (line: string) => void): void;
}

/** What of fluent-ffmpeg's command is replaced for each run. */
interface ReplacedMethods {
  _checkCapabilities(callback: () => void): void;
  availableEncoders(callback: (error: undefined, encoders: object) => void): void;
  _spawnFfmpeg(
    argv: readonly string[],
    options: object,
    ...callbacks: [
      onStart: (child: ChildProcess, stdout: LineRing, stderr: LineRing) => void,
      onEnd: (error: Error | undefined, stdout: LineRing, stderr: LineRing) => void,
    ]
  ): void;
}

const emptyRing: LineRing = { get: () => '', callback: () => {} };

/**
 * Assembles and runs a command with fluent-ffmpeg; this is the only place that knows it. `start` gets
 * ffmpeg's arguments and starts the child.
 *
 * Three of its methods are replaced on the command (the library is archived at the version that
 * package.json pins, so they won't move):
 *
 * - `_checkCapabilities` and `availableEncoders` would start two more ffmpeg processes before the
 *   first run to list formats and encoders; the toolchain was checked at start-up.
 * - `_spawnFfmpeg` passes on the service's whole environment, keeps lines of any length, and throws
 *   out of an event listener, which ends the service, when the program can't be started. It also
 *   takes the program from a variable that all commands share. `start` does none of this.
 */
export async function runWithFluent(
  plan: ArgumentPlan,
  start: (argv: readonly string[]) => Child,
): Promise<ChildExit> {
  const { promise: ended, resolve: settle, reject } = Promise.withResolvers<undefined>();
  let child: Child | undefined;
  const replaced: ReplacedMethods = {
    _checkCapabilities: (callback) => callback(),
    availableEncoders: (callback) => callback(undefined, {}),
    _spawnFfmpeg(argv, _options, ...[onStart, onEnd]) {
      try {
        child = start(argv);
      } catch (thrown) {
        // Called from an event of its own: what is thrown here would end the service.
        return reject(thrown);
      }
      if (child.process !== undefined) onStart(child.process, emptyRing, emptyRing);
      void child.gone.then(() => onEnd(undefined, emptyRing, emptyRing));
    },
  };
  const command = Object.assign(ffmpeg(), replaced);
  command.on('end', () => settle(undefined)).on('error', reject);
  addFiles(command, plan);
  command.run();
  await ended;
  assert(child !== undefined, 'fluent-ffmpeg ended without a child');
  return child.gone;
}

/** Its option methods split a lone token at a space; given several, they leave each as it is. */
function addFiles(command: ReturnType<typeof ffmpeg>, plan: ArgumentPlan): void {
  for (const [index, { options, source }] of plan.inputs.entries()) {
    const tokens = index === 0 ? [...plan.global, ...options] : options;
    assert(tokens.length > 1, 'an input needs at least two option tokens');
    command.input(source).inputOptions(...tokens);
  }
  for (const { options, target } of plan.outputs) {
    assert(options.length > 1, 'an output needs at least two option tokens');
    command.output(target).outputOptions(...options);
  }
}
