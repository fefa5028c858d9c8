import { EventEmitter, once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../src/base/logger.ts';
import { terminationGraceMs } from '../../../src/processes/child.ts';
import { retryRules } from '../../../src/scheduler/retry-policy.ts';
import { createRecognizer } from '../../../src/speech/create-recognizer.ts';
import type { RecognizerOptions } from '../../../src/speech/create-recognizer.ts';
import { answerLimitMs, silenceLimitMs } from '../../../src/speech/watchdog.ts';
import { findWhisperCli } from '../../../src/speech/whisper-cli.ts';
import { modelPath, writePhrases } from '../../conformance/recognizer/sounds.ts';
import type { TestRecording } from '../../conformance/recognizer/sounds.ts';
import { childProcessIds, childProcesses } from '../../support/child-processes.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';

/** A clock that tells when somebody sets a timer: a look is over once the next one is set. */
class ObservedClock extends ManualClock {
  readonly #timers = new EventEmitter();

  override after(delayMs: number, callback: () => void): () => void {
    queueMicrotask(() => this.#timers.emit('set'));
    return super.after(delayMs, callback);
  }

  /** Lets the next look come, and waits for what it sets: another look, or the end by force. */
  async passToNextLook(): Promise<void> {
    const set = once(this.#timers, 'set');
    this.advance(lookMs);
    await set;
  }
}

/** Time between two looks: six fit into the limit. */
const lookMs = silenceLimitMs / 6;

let directory: TempDirectory;
/** Its speech fills three windows. */
let long: TestRecording;

beforeAll(async () => {
  directory = await createTempDirectory();
  long = await writePhrases(
    join(directory.path, 'long.wav'),
    Array.from({ length: 28 }, () => 1500),
  );
});

afterAll(async () => directory[Symbol.asyncDispose]());

afterEach(() => {
  expect(childProcesses()).toEqual([]);
});

/** Starts a recognition; `onBegun` is called once, when its engine's first answer is there. */
function recognize(options: Partial<RecognizerOptions>, onBegun: () => void = () => {}) {
  const clock = new ObservedClock();
  let hasBegun = false;
  const result = createRecognizer({
    engine: 'addon',
    model: modelPath,
    modelsDir: '/nowhere',
    logger: silentLogger,
    clock,
    ...options,
  }).recognize(
    {
      path: long.path,
      durationSec: long.durationSec,
      threads: 1,
      scratchDirectory: directory.path,
    },
    {
      signal: new AbortController().signal,
      onProgress: (fraction) => {
        // Beyond the listening: a window is done.
        if (hasBegun || fraction <= 0.1) return;
        hasBegun = true;
        onBegun();
      },
    },
  );
  return { clock, result };
}

function signalChild(signal: NodeJS.Signals): void {
  for (const pid of childProcessIds()) process.kill(-pid, signal);
}

/** Waits until a process, the only child by default, has computed a little more. */
async function untilItComputes(pid = childProcessIds()[0]): Promise<void> {
  const before = await cpuTicks(pid);
  const more = async () => expect(await cpuTicks(pid)).toBeGreaterThan(before);
  await vi.waitFor(more, { interval: 1, timeout: 20_000 });
}

/** CPU time of a process so far, in clock ticks (proc(5)). */
async function cpuTicks(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

const cli = await findWhisperCli(undefined, '');

describe.each([
  { engine: 'addon' as const, isHere: true },
  { engine: 'cli' as const, isHere: cli.ok },
])('the engine $engine', ({ engine, isHere }) => {
  test.skipIf(!isHere)('is given up as stalled, group and all, when it is stopped', async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const { clock, result } = recognize({ engine, searchPath: '' }, () => {
      signalChild('SIGSTOP');
      resolve();
    });
    await stopped;
    // The first look finds what it did before, the seventh that this was all.
    for (let look = 0; look < 7; look += 1) await clock.passToNextLook();
    // It is asked to end first, but a stopped process does not hear that.
    clock.advance(terminationGraceMs);
    expect(await result).toMatchObject({ ok: false, error: { code: 'stalled' } });
    expect(retryRules.stalled.retry).toBe('retry');
  });

  test.skipIf(!isHere)('is not given up as long as it moves, however slowly', async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const { clock, result } = recognize({ engine, searchPath: '' }, () => {
      signalChild('SIGSTOP');
      resolve();
    });
    await stopped;
    // Almost the whole limit stopped, then a little work, and again: far longer than the limit.
    for (let round = 0; round < 3; round += 1) {
      for (let look = 0; look < 5; look += 1) await clock.passToNextLook();
      signalChild('SIGCONT');
      await untilItComputes();
      signalChild('SIGSTOP');
    }
    signalChild('SIGCONT');
    expect(await result).toMatchObject({ ok: true, value: { recognizer: engine } });
  });
});

describe('a command line', () => {
  async function writeProgram(script: string): Promise<string> {
    const path = join(directory.path, 'whisper');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  /** Resolves when the program has been started, and not the child that listens. */
  async function started(path: string): Promise<void> {
    await vi.waitFor(() => expect(childProcesses().join()).toContain(path), { timeout: 20_000 });
  }

  test('that computes without ever answering is given up, later', async () => {
    const whisperCli = await writeProgram('while :; do :; done');
    const { clock, result } = recognize({ engine: 'cli', whisperCli, searchPath: '' });
    await started(whisperCli);
    const looks = Math.ceil(answerLimitMs(1) / lookMs);
    expect(looks).toBeGreaterThan(6);
    for (let look = 0; look < looks; look += 1) {
      await clock.passToNextLook();
      // Else two looks are so near to each other that it had no turn between them.
      await untilItComputes();
    }
    expect(childProcesses()).toHaveLength(1);
    await clock.passToNextLook();
    expect(await result).toMatchObject({ ok: false, error: { code: 'stalled' } });
  });

  test('is seen to work also where a process of its own does it', async () => {
    const whisperCli = await writeProgram('(while :; do :; done) & wait');
    const { clock, result } = recognize({ engine: 'cli', whisperCli, searchPath: '' });
    await started(whisperCli);
    const [shell] = childProcessIds();
    const grandchild = await vi.waitFor(() => {
      const [pid] = childProcessIds(shell);
      expect(pid).toBeDefined();
      return pid ?? 0;
    });
    for (let look = 0; look < 12; look += 1) {
      await clock.passToNextLook();
      await untilItComputes(grandchild);
    }
    expect(childProcesses()).toHaveLength(1);
    process.kill(grandchild, 'SIGSTOP');
    // The signal takes effect in its own time: until then it computes on (proc_pid_stat(5), field 3).
    await vi.waitFor(async () => {
      expect(await readFile(`/proc/${grandchild}/stat`, 'utf8')).toMatch(/\) T /);
    });
    for (let look = 0; look < 7; look += 1) await clock.passToNextLook();
    clock.advance(terminationGraceMs);
    expect(await result).toMatchObject({ ok: false, error: { code: 'stalled' } });
  });
});
