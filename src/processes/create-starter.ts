import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../base/clock.ts';
import { mebibyte } from '../base/units.ts';
import type { Settings } from '../config/settings.ts';
import { openFilesMax } from './child-limits.ts';
import type { ChildLimits } from './child-limits.ts';
import { DirectStarter } from './direct-starter.ts';
import type { UtilLinux } from './direct-starter.ts';
import { findProgram, isExecutable } from './find-program.ts';
import { launcherOrderVersion, launcherVersionLine } from './launcher-order.ts';
import { PreforkedStarter } from './preforked-starter.ts';
import type { PreforkedStarterParts } from './preforked-starter.ts';
import type { FileAccess, ProcessStarter, SandboxMethod, StartMethod } from './process-starter.ts';
import { childEnvironment, runTool } from './tool-run.ts';

/** Where {@link createStarter} looks. */
export interface StarterSearch {
  readonly clock: Clock;
  /** Where setpriv and prlimit are looked for; `PATH` by default, nowhere when empty. */
  readonly searchPath?: string;
  /** The launcher's program; the one that `npm run build:sandbox` has built by default. */
  readonly launcherPath?: string;
  /**
   * Whether programs with an {@link StartOrder.access} are confined where that works; `off` by default. What
   * `required` means where it does not is for the caller, who looks at the starter.
   */
  readonly sandbox?: Settings['sandbox'];
}

/**
 * The best way to start programs that works here, each tried once: the launcher, else util-linux, else
 * plain. Whether the launcher can confine programs is decided here, once, by its self-test: a starter
 * whose `sandbox` is `launcher` starts nothing unconfined that is to be confined. Who calls it closes it.
 */
export async function createStarter(search: StarterSearch): Promise<ProcessStarter> {
  const launcherPath = search.launcherPath ?? builtLauncherPath;
  const { clock, searchPath = process.env['PATH'] ?? '' } = search;
  // Also where the launcher works: what it can't start must not lose its limits for that.
  const fallback = (await tryUtilLinux(searchPath, clock)) ?? new DirectStarter();
  const parts = { launcherPath, clock, fallback };
  const confining =
    search.sandbox === undefined || search.sandbox === 'off'
      ? undefined
      : await tryLauncher({ ...parts, confines: true }, isConfined);
  return confining ?? (await tryLauncher(parts, speaksOurLanguage)) ?? fallback;
}

/**
 * Where the built launcher lies: in the package's folder, two up from here in `src/` as in `dist/`. Its
 * name says its language, so that a build of the next one leaves a running service its own.
 */
export const builtLauncherPath = fileURLToPath(
  new URL(`../../build/reelgraph-launcher-v${launcherOrderVersion}`, import.meta.url),
);

/** How programs are started, for the operator. */
export interface MethodReport {
  readonly finding: string;
  /** What to do to have it better; absent where nothing is. */
  readonly remedy?: string;
}

/** Says what a method means, and what to do for a better one. */
export function describeMethod(method: StartMethod): MethodReport {
  const remedy = '`npm run build:sandbox` builds the launcher (needs a C compiler).';
  const reports: Readonly<Record<StartMethod, MethodReport>> = {
    launcher: {
      finding: 'By the launcher: they end with the service, start at once, and have limits.',
    },
    'util-linux': {
      finding:
        'By setpriv and prlimit: they end with the service and have limits, but each start holds the service up.',
      remedy,
    },
    plain: {
      finding: 'Directly: they go on when the service is killed, and have no limits.',
      remedy: `${remedy} The programs setpriv and prlimit of util-linux do, too.`,
    },
  };
  return reports[method];
}

/** Says what keeps the programs to their files, and what to do where nothing does. */
export function describeSandbox(sandbox: SandboxMethod): MethodReport {
  if (sandbox === 'launcher') {
    return {
      finding:
        'By Landlock and seccomp: each reads and writes its own files only, and has no network.',
    };
  }
  return {
    finding:
      'None: a program that a hostile upload takes over can read other files and use the network.',
    remedy:
      '`npm run build:sandbox` builds it (needs a C compiler, and Linux 5.13 or later with Landlock).',
  };
}

/** A launcher that proves itself; it is asked through itself. */
async function tryLauncher(
  parts: PreforkedStarterParts,
  isProven: (launcherPath: string, asker: Asker) => Promise<boolean>,
): Promise<ProcessStarter | undefined> {
  const { launcherPath, clock } = parts;
  if (!(await isExecutable(launcherPath))) return undefined;
  await using owned = new AsyncDisposableStack();
  const starter = owned.use(new PreforkedStarter(parts));
  if (!(await isProven(launcherPath, { starter, clock }))) return undefined;
  owned.move();
  return starter;
}

/** Whether it starts, and speaks this version's language. */
async function speaksOurLanguage(launcherPath: string, asker: Asker): Promise<boolean> {
  return (await ask({ argv: [launcherPath, '--version'] }, asker)) === launcherVersionLine;
}

/**
 * Whether it confines a program here: one tries to read a file of another, to open sockets and more of
 * that kind, and to use its own directory (`--self-test` in `launcher.c`).
 */
async function isConfined(launcherPath: string, asker: Asker): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'reelgraph-self-test-'));
  try {
    const [own, canary] = [join(directory, 'own'), join(directory, 'canary')];
    await Promise.all([mkdir(own), writeFile(canary, 'of another job')]);
    const access: FileAccess = { read: [], execute: [launcherPath], change: [own] };
    const order = { argv: [launcherPath, '--self-test', canary], cwd: own, access };
    return (await ask(order, asker)) === 'confined\n';
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function tryUtilLinux(searchPath: string, clock: Clock): Promise<ProcessStarter | undefined> {
  const [setpriv, prlimit] = await Promise.all([
    findProgram('setpriv', searchPath),
    findProgram('prlimit', searchPath),
  ]);
  if (setpriv === undefined || prlimit === undefined) return undefined;
  const starter = new DirectStarter();
  // Through both of them as every start: other programs of these names know fewer options.
  const table = [prlimit, '--raw', '--noheadings', '--output', 'RESOURCE,HARD'];
  const answer = await ask(
    { argv: [setpriv, '--pdeathsig', 'KILL', '--', ...table] },
    { starter, clock },
  );
  const hardLimits = readHardLimits(answer);
  return hardLimits === undefined ? undefined : new DirectStarter({ setpriv, prlimit, hardLimits });
}

/** Lines such as `NOFILE 4096` and `CPU unlimited`; undefined where they are none. */
function readHardLimits(table: string): UtilLinux['hardLimits'] | undefined {
  const limits = [...table.matchAll(/^([A-Z]+) +(\d+|unlimited)$/gm)];
  if (!limits.some(([, resource]) => resource === 'NOFILE')) return undefined;
  return new Map(
    limits
      .filter(([, , value]) => value !== 'unlimited')
      .map(([, resource = '', value]) => [resource.toLowerCase(), Number(value)]),
  );
}

/** Milliseconds that a program may take to answer; the slowest disk needs a second or two. */
const answerLimitMs = 20_000;

const probeLimits: ChildLimits = { cpuSec: 10, fileBytesMax: mebibyte, openFilesMax };

interface Asker {
  readonly starter: ProcessStarter;
  readonly clock: Clock;
}

interface Question {
  readonly argv: readonly string[];
  /** `/` by default. */
  readonly cwd?: string;
  readonly access?: FileAccess;
}

/** What a program writes when it ends well; nothing otherwise. */
async function ask(question: Question, asker: Asker): Promise<string> {
  const { signal } = new AbortController();
  const { exit, stdout } = await runTool(
    {
      cwd: '/',
      ...question,
      env: childEnvironment('/usr/bin:/bin'),
      limits: probeLimits,
      timeoutMs: answerLimitMs,
      signal,
    },
    asker,
  );
  return exit.code === 0 ? stdout : '';
}
