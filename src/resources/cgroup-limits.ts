import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupDirectories, parseCgroupMemberships, parseCgroupMounts } from './cgroup-paths.ts';

/** A limit and the file that sets it. */
export interface CgroupLimit {
  readonly value: number;
  /** Absolute path on the host. */
  readonly file: string;
}

/** What control groups allow this process; the smallest of each sort, undefined where none is set. */
export interface CgroupLimits {
  /** CPU time per time: 1.5 is one and a half cores. > 0. */
  readonly cpuQuota: CgroupLimit | undefined;
  /** Number of CPUs that it may run on, ≥ 1. */
  readonly cpuCount: CgroupLimit | undefined;
  /** Bytes, > 0: where the kernel begins to kill, or to slow down (`memory.high`). */
  readonly memoryBytes: CgroupLimit | undefined;
  /** Files that hold something else than their format says, as sentences. They set no limit here. */
  readonly problems: readonly string[];
}

/** The text of a file below the root, or undefined where there is none. */
type ReadText = (path: string) => Promise<string | undefined>;

/** `malformed` when a text has another format; undefined when it says that there is no limit. */
type Parsed = number | undefined | 'malformed';

/** One sort of limit in one version of control groups. */
interface LimitFile {
  readonly version: 1 | 2;
  readonly controller: string;
  readonly name: string;
  parse(
    text: string,
    siblings: { read(name: string): Promise<string | undefined> },
  ): Promise<Parsed> | Parsed;
}

/** Kernel documentation: admin-guide/cgroup-v2.rst; scheduler/sched-bwc.rst for version 1. */
const quotaFiles: readonly LimitFile[] = [
  { version: 2, controller: 'cpu', name: 'cpu.max', parse: parseCpuMax },
  { version: 1, controller: 'cpu', name: 'cpu.cfs_quota_us', parse: parseCfsQuota },
];

/** The same; admin-guide/cgroup-v1/cpusets.rst for version 1. */
const cpusetFiles: readonly LimitFile[] = [
  { version: 2, controller: 'cpuset', name: 'cpuset.cpus.effective', parse: countCpus },
  { version: 1, controller: 'cpuset', name: 'cpuset.effective_cpus', parse: countCpus },
  { version: 1, controller: 'cpuset', name: 'cpuset.cpus', parse: countCpus },
];

/** The same; admin-guide/cgroup-v1/memory.rst for version 1. */
const memoryFiles: readonly LimitFile[] = [
  { version: 2, controller: 'memory', name: 'memory.max', parse: parseMemoryLimit },
  { version: 2, controller: 'memory', name: 'memory.high', parse: parseMemoryLimit },
  { version: 1, controller: 'memory', name: 'memory.limit_in_bytes', parse: parseMemoryLimit },
];

/**
 * Reads what control groups of both versions, also mixed, allow this process. A system without them
 * sets no limits. `root` stands for `/`.
 */
export async function readCgroupLimits(root: string): Promise<CgroupLimits> {
  const read: ReadText = (path) => readIfThere(join(root, path));
  const memberships = parseCgroupMemberships((await read('/proc/self/cgroup')) ?? '');
  const mounts = parseCgroupMounts((await read('/proc/self/mountinfo')) ?? '');
  const problems: string[] = [];
  const smallest = async (files: readonly LimitFile[]): Promise<CgroupLimit | undefined> => {
    const limits: CgroupLimit[] = [];
    for (const file of files) {
      const directories = cgroupDirectories(file.controller, file.version, { memberships, mounts });
      for (const directory of directories) {
        const path = join(directory, file.name);
        const value = await readLimit(file, directory, read);
        if (value === 'malformed') problems.push(`${path} is not understood and was ignored.`);
        else if (value !== undefined) limits.push({ value, file: path });
      }
    }
    return limits.reduce<CgroupLimit | undefined>(
      (least, limit) => (least === undefined || limit.value < least.value ? limit : least),
      undefined,
    );
  };
  return {
    cpuQuota: await smallest(quotaFiles),
    cpuCount: await smallest(cpusetFiles),
    memoryBytes: await smallest(memoryFiles),
    problems,
  };
}

async function readLimit(file: LimitFile, directory: string, read: ReadText): Promise<Parsed> {
  const text = await read(join(directory, file.name));
  if (text === undefined) return undefined;
  return file.parse(text.trim(), { read: (name) => read(join(directory, name)) });
}

/** `max 100000` or `150000 100000`: microseconds of CPU time per period. */
function parseCpuMax(text: string): Parsed {
  const [quota = '', period = '', ...rest] = text.split(' ');
  if (rest.length > 0 || !isPositive(period)) return 'malformed';
  if (quota === 'max') return undefined;
  return isPositive(quota) ? Number(quota) / Number(period) : 'malformed';
}

/** The quota in microseconds, −1 for none; the period lies in a file beside it. */
async function parseCfsQuota(
  text: string,
  siblings: { read(name: string): Promise<string | undefined> },
): Promise<Parsed> {
  if (text === '-1') return undefined;
  const period = (await siblings.read('cpu.cfs_period_us'))?.trim() ?? '';
  return isPositive(text) && isPositive(period) ? Number(text) / Number(period) : 'malformed';
}

/** A list such as `0-3,8,10-11` (cpuset(7)); an empty one takes over what the parent has. */
function countCpus(text: string): Parsed {
  if (text === '') return undefined;
  let count = 0;
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first)) return 'malformed';
    count += Number(last) - Number(first) + 1;
  }
  return count;
}

/** Bytes or `max`. Version 1 writes "no limit" as the largest number of pages, near 2^63. */
function parseMemoryLimit(text: string): Parsed {
  if (text === 'max') return undefined;
  if (!isPositive(text)) return 'malformed';
  return Number(text) > Number.MAX_SAFE_INTEGER ? undefined : Number(text);
}

function isPositive(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) > 0;
}

/** Why a file of a pseudo file system may not be readable although its directory is listed. */
const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EOPNOTSUPP', 'ENODEV']);

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (absentCodes.has(code)) return undefined;
    throw thrown;
  }
}
