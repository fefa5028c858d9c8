import { spawn } from 'node:child_process';
import type { StdioOptions } from 'node:child_process';
import { accessSync, constants as fileConstants, statSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { cpuGraceSec } from './child-limits.ts';
import type { ChildLimits } from './child-limits.ts';
import { childNiceness, startErrorOf } from './process-starter.ts';
import type {
  ProcessStarter,
  SandboxMethod,
  StartMethod,
  StartOrder,
  StartedProcess,
} from './process-starter.ts';

/** Two programs of util-linux, and what they may ask for here. */
export interface UtilLinux {
  /** Absolute paths. */
  readonly setpriv: string;
  readonly prlimit: string;
  /** Hard limits of this process by prlimit's option, e.g. `nofile` → 4096; absent where unlimited. */
  readonly hardLimits: ReadonlyMap<string, number>;
}

/**
 * Starts each program when it is asked to, which forks this process and so takes the longer the more
 * memory it has: 12 to 15 ms of its time at 140 MB (measured on a virtual machine). With util-linux in
 * front the program ends with the service and has its limits; without, neither.
 */
export class DirectStarter implements ProcessStarter {
  readonly sandbox: SandboxMethod = 'none';
  readonly #utilLinux: UtilLinux | undefined;

  constructor(utilLinux?: UtilLinux) {
    this.#utilLinux = utilLinux;
  }

  get method(): StartMethod {
    return this.#utilLinux === undefined ? 'plain' : 'util-linux';
  }

  start(order: StartOrder): StartedProcess {
    const [program = '', ...args] = this.#toArgv(order);
    const child = spawn(program, args, {
      cwd: order.cwd,
      env: { ...order.env },
      stdio: order.isConversing ? conversationPipes : silentPipes,
      // A group of its own: the child does not get the terminal's Ctrl-C before the service decides,
      // and its own children end with it.
      detached: true,
      windowsHide: true,
    });
    if (child.pid !== undefined) giveWay(child.pid);
    // What goes wrong is told by `spawn`, as an error that is thrown or an event.
    return { process: child, startError: () => undefined };
  }

  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #toArgv(order: StartOrder): readonly string[] {
    if (this.#utilLinux === undefined) return order.argv;
    const { setpriv, prlimit, hardLimits } = this.#utilLinux;
    checkStart(order);
    const limits = limitOptions(order.limits, hardLimits);
    return [setpriv, '--pdeathsig', 'KILL', '--', prlimit, ...limits, '--', ...order.argv];
  }
}

/** Nothing to read; what it writes is taken. */
const silentPipes: StdioOptions = ['ignore', 'pipe', 'pipe'];

/** The same with an open standard input, and the pipe for answers behind standard error. */
const conversationPipes: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe'];

function giveWay(pid: number): void {
  try {
    setPriority(pid, childNiceness());
  } catch {
    // ESRCH: it has ended already.
  }
}

/** Options of prlimit(1), each with the soft and the hard limit. No limit is ever raised. */
function limitOptions(limits: ChildLimits, hardLimits: UtilLinux['hardLimits']): readonly string[] {
  const { cpuSec, fileBytesMax, openFilesMax, addressBytesMax } = limits;
  const option = (resource: string, soft: number, hard = soft): string => {
    const [low, high] = [soft, hard].map((value) =>
      Math.min(value, hardLimits.get(resource) ?? Infinity),
    );
    return `--${resource}=${low}:${high}`;
  };
  return [
    option('cpu', cpuSec, cpuSec + cpuGraceSec),
    option('fsize', fileBytesMax),
    option('nofile', openFilesMax),
    option('core', 0),
    ...(addressBytesMax === undefined ? [] : [option('as', addressBytesMax)]),
  ];
}

/**
 * Fails where the programs in front would only fail with an exit code: when the directory or the program
 * is missing.
 *
 * @throws Error as `spawn` words it.
 */
function checkStart({ argv, cwd, env }: StartOrder): void {
  const [program = ''] = argv;
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw startErrorOf(argv, constants.errno.ENOENT);
  }
  const places = program.includes('/')
    ? [resolve(cwd, program)]
    : (env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, program));
  if (places.some((path) => isExecutable(path))) return;
  const isThere = places.some((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  throw startErrorOf(argv, isThere ? constants.errno.EACCES : constants.errno.ENOENT);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, fileConstants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
