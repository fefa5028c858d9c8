import { readFileSync } from 'node:fs';

/** Clock ticks per second of /proc times: USER_HZ, 100 on every Linux architecture Node runs on. */
const ticksPerSec = 100;

/**
 * CPU seconds of this process and of all its children that have ended, user and system together
 * (proc_pid_stat(5), fields 14–17).
 */
export function cpuSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The second field is the command in parentheses and may hold spaces: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / ticksPerSec;
}

/** CPU seconds of everything on this machine since its start, but for its idling (proc_stat(5)). */
export function machineCpuSeconds(): number {
  const [all = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const [user = 0, nice = 0, system = 0] = all.split(/\s+/).slice(1).map(Number);
  return (user + nice + system) / ticksPerSec;
}
