import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Toolchain } from '../../src/ffmpeg/toolchain.ts';

/**
 * What a fake program does, in order. It ends with code 0 behind the last step.
 *
 * - `report` writes one `-progress` report with this time of the output in seconds
 * - `stdout`, `stderr` write a text so many times
 * - `pause` goes on when the test sends SIGUSR1, `hang` never does
 * - `read` reads the program's own file once
 * - `ignore-sigterm` from here on
 * - `start-holder` starts a child that holds the pipes for ever
 * - `exit`, `die` end it with a code or by a signal
 */
export type FakeStep =
  | { readonly do: 'report'; readonly outTimeSec: number; readonly frame?: number }
  | { readonly do: 'stdout' | 'stderr'; readonly text: string; readonly times?: number }
  | { readonly do: 'pause' | 'hang' | 'read' | 'ignore-sigterm' | 'start-holder' }
  | { readonly do: 'exit'; readonly code: number }
  | { readonly do: 'die'; readonly signal: NodeJS.Signals };

/** One start of a fake program. */
export interface FakeInvocation {
  readonly pid: number;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A fake program in a directory of the test. */
export interface FakeTool {
  readonly path: string;
  /** What it was started with so far. */
  invocations(): Promise<readonly FakeInvocation[]>;
  /** Lets the latest start go on behind its `pause`, also when it has not come there yet. */
  proceed(): Promise<void>;
}

/** Writes an executable that plays the steps on every start and notes what it was started with. */
export async function createFakeTool(
  directory: string,
  name: string,
  steps: readonly FakeStep[],
): Promise<FakeTool> {
  const path = join(directory, name);
  const log = `${path}.log`;
  await writeFile(log, '');
  await writeFile(path, programText(log, steps));
  await chmod(path, 0o755);
  const invocations = async (): Promise<readonly FakeInvocation[]> =>
    (await readFile(log, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line): FakeInvocation => JSON.parse(line));
  return {
    path,
    invocations,
    async proceed() {
      const latest = (await invocations()).at(-1);
      if (latest === undefined) throw new Error(`${name} was not started.`);
      process.kill(latest.pid, 'SIGUSR1');
    },
  };
}

/** A toolchain of one fake program for both roles. */
export function fakeToolchain(tool: FakeTool): Toolchain {
  const asTool = { path: tool.path, origin: 'setting', version: { text: 'fake' } } as const;
  return {
    ffmpeg: asTool,
    ffprobe: asTool,
    searchPath: '/usr/bin:/bin',
  };
}

/** Node itself by its path, because the child's PATH need not hold it. */
function programText(log: string, steps: readonly FakeStep[]): string {
  return `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const note = { pid: process.pid, args: process.argv.slice(2), cwd: process.cwd(), env: process.env };
let permits = 0;
let wake = () => {};
process.on('SIGUSR1', () => { permits += 1; wake(); });
appendFileSync(${JSON.stringify(log)}, JSON.stringify(note) + '\\n');
const write = (stream, text) => new Promise((resolve) => stream.write(text, resolve));
const play = {
  report: ({ outTimeSec, frame = 0 }) => write(process.stdout,
    'frame=' + frame + '\\nout_time_us=' + outTimeSec * 1e6 + '\\nout_time=x\\nprogress=continue\\n'),
  async stdout({ text, times = 1 }) { for (let i = 0; i < times; i++) await write(process.stdout, text); },
  async stderr({ text, times = 1 }) { for (let i = 0; i < times; i++) await write(process.stderr, text); },
  async pause() {
    const timer = setInterval(() => {}, 1e6);
    while (permits === 0) await new Promise((resolve) => { wake = resolve; });
    permits -= 1;
    clearInterval(timer);
  },
  hang: () => new Promise(() => setInterval(() => {}, 1e6)),
  read: async () => void readFileSync(__filename),
  'ignore-sigterm': async () => void process.on('SIGTERM', () => {}),
  'start-holder': async () => void spawn('sleep', ['1000'], { stdio: ['ignore', 'inherit', 'inherit'] }).unref(),
  exit: ({ code }) => process.exit(code),
  die: ({ signal }) => new Promise(() => { setInterval(() => {}, 1e6); process.kill(process.pid, signal); }),
};
(async () => { for (const step of ${JSON.stringify(steps)}) await play[step.do](step); })();
`;
}
