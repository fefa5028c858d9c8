import { readdirSync, readFileSync } from 'node:fs';

/** The command lines of this process's own children, for tests that no child is left behind. */
export function childProcesses(): readonly string[] {
  return childProcessIds().map((pid) => commandLineOf(pid));
}

/** The ids of a process's own children; of this one's by default. */
export function childProcessIds(parent = process.pid): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

/** The parent of a process; undefined when it has ended. */
export function parentOf(pid: number): number | undefined {
  // The name, in parentheses, may hold anything; behind it come the state and the parent (proc(5)).
  const behindName = readText(`/proc/${pid}/stat`).split(')').at(-1)?.trim().split(' ');
  return behindName?.[1] === undefined ? undefined : Number(behindName[1]);
}

function commandLineOf(pid: number): string {
  return readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** Empty when the process has ended since. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
