import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { childProcessIds } from '../support/child-processes.ts';

/** A process that works in a directory. */
export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/**
 * The processes that work in a directory or name it in their command line, whoever started them; zombies
 * are gone already. Not this process, nor those in `except`.
 */
export function processesOf(directory: string, except: readonly number[] = []): FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && !except.includes(pid))
    .flatMap((pid) => {
      const command = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll(
        '\0',
        ' ',
      );
      const cwd = read(() => readlinkSync(`/proc/${pid}/cwd`));
      const isIn = command.includes(directory) || cwd.startsWith(directory);
      return isIn ? [{ pid, command }] : [];
    });
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
