import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { childProcessIds, parentOf } from '../support/child-processes.ts';

/** A process that works in a directory. */
export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/** Which services worked in a directory. */
export interface Services {
  /** The one that works on it, which is expected. */
  readonly servicePid?: number | undefined;
  /** Those that worked on it and are dead. */
  readonly deadPids?: readonly number[];
}

/**
 * The processes that work in a directory or name it in their command line, whoever started them, and the
 * launchers that waited for the orders of a dead service; zombies are gone already. Not this process, nor
 * the service.
 */
export function processesOf(directory: string, services: Services = {}): FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && pid !== services.servicePid)
    .map((pid) => ({ pid, command: commandOf(pid) }))
    .filter((found) => isIn(found, directory) || isLauncherOf(found, services));
}

function isIn({ pid, command }: FoundProcess, directory: string): boolean {
  const cwd = read(() => readlinkSync(`/proc/${pid}/cwd`));
  return command.includes(directory) || cwd.startsWith(directory);
}

function isLauncherOf({ pid, command }: FoundProcess, { deadPids = [] }: Services): boolean {
  // An idle launcher works nowhere and names only the process that forked it. A dead service's id may be
  // another one's by now, which is the launcher's parent then.
  const owner = Number(/launcher (\d+) ?$/.exec(command)?.[1]);
  return deadPids.includes(owner) && parentOf(pid) !== owner;
}

function commandOf(pid: number): string {
  return read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
}

/** Empty when the process has ended since, or is another user's. */
function read(how: () => string): string {
  try {
    return how();
  } catch {
    return '';
  }
}

/** Milliseconds between two looks for a process, which comes without telling. */
const lookAgainMs = 10;

/** Waits until a process has a child whose command line matches, and gives its id. */
export async function childOf(parent: number, command: RegExp): Promise<number> {
  for (;;) {
    const found = childProcessIds(parent).find((pid) => command.test(commandOf(pid)));
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, lookAgainMs);
    });
  }
}
