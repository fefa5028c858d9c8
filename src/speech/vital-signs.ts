import { readFile } from 'node:fs/promises';

/** What a process and those it has started have done so far. */
export interface VitalSigns {
  /** CPU time in clock ticks. */
  readonly cpuTicks: number;
  /** Bytes read, from files or whatever else. */
  readonly bytesRead: number;
}

/** Processes that are looked at for one child; an engine has one, and a launcher around it some more. */
const processesMax = 64;

/**
 * What a child and its descendants have done, by proc(5); undefined where the system does not tell. It is
 * only good for comparing: a process that ends takes what it did with it.
 */
export async function readVitalSigns(pid: number): Promise<VitalSigns | undefined> {
  const found = [pid];
  let signs: VitalSigns | undefined;
  for (let index = 0; index < Math.min(found.length, processesMax); index += 1) {
    const process = `/proc/${found[index]}`;
    const stat = await readIfThere(`${process}/stat`);
    // The name, in parentheses, may hold anything; behind it are fields 3 and up.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    const cpuTicks = Number(fields[11]) + Number(fields[12]);
    if (!Number.isFinite(cpuTicks)) continue;
    const io = await readIfThere(`${process}/io`);
    const bytesRead = Number(/^rchar: (\d+)$/m.exec(io ?? '')?.[1] ?? 0);
    signs = {
      cpuTicks: (signs?.cpuTicks ?? 0) + cpuTicks,
      bytesRead: (signs?.bytesRead ?? 0) + bytesRead,
    };
    const children = await readIfThere(`${process}/task/${found[index]}/children`);
    found.push(...(children?.match(/\d+/g) ?? []).map(Number));
  }
  return signs;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
