import { availableParallelism, totalmem } from 'node:os';
import { formatBytes, gibibyte } from '../base/units.ts';
import type { Capacity } from './demand.ts';
import { readCgroupLimits } from './cgroup-limits.ts';
import type { CgroupLimit, CgroupLimits } from './cgroup-limits.ts';

/** What this process may use of its host, and why. */
export interface HostCapacity {
  readonly capacity: Capacity;
  /** One for each number of `capacity` that was found out. */
  readonly reasons: readonly CapacityReason[];
  /** What the operator should know, as sentences. */
  readonly warnings: readonly string[];
}

/** Where a number of the capacity comes from. */
export interface CapacityReason {
  readonly resource: 'cores' | 'memoryBytes' | 'ioSlots';
  readonly value: number;
  /** A sentence for `doctor`. */
  readonly reason: string;
}

/** What the settings say; both lower the capacity and never raise it. */
export interface CapacityWish {
  readonly cores?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

/** The host as this process sees it; tests make their own. */
export interface Host {
  /** Absolute path that stands for `/`. */
  readonly root: string;
  /** CPUs that the scheduler may put this process on, ≥ 1. */
  readonly availableParallelism: number;
  readonly totalMemoryBytes: number;
}

/**
 * Nodes that copy or upload at the same time. They wait for a disk or a network rather than compute;
 * a few keep either busy, more only make each of them later.
 */
const ioSlots = 4;

/**
 * The part of the memory that nodes are not planned into: for this process, the page cache that the
 * encoders' files need (it counts towards a cgroup's limit), and estimates that were too low.
 */
const memoryReserveShare = 0.25;

/** Larger hosts need no larger reserve: what it is for does not grow with them. */
const memoryReserveBytesMax = 4 * gibibyte;

/** The host that this process runs on. */
export function thisHost(): Host {
  return {
    root: '/',
    availableParallelism: availableParallelism(),
    totalMemoryBytes: totalmem(),
  };
}

/** Finds out what this process may use: the least of what host, control groups and settings allow. */
export async function readHostCapacity(
  wish: CapacityWish,
  host: Host = thisHost(),
): Promise<HostCapacity> {
  const limits = await readCgroupLimits(host.root);
  const cores = lowered(coresOf(limits, host), {
    wish: wish.cores,
    what: 'cores',
    format: String,
  });
  const memory = lowered(memoryOf(limits, host), {
    wish: wish.memoryBytes,
    what: 'memory',
    format: formatBytes,
  });
  return {
    capacity: { cores: cores.value, memoryBytes: memory.value, ioSlots, gpus: 0 },
    reasons: [
      { resource: 'cores', value: cores.value, reason: cores.reason },
      { resource: 'memoryBytes', value: memory.value, reason: memory.reason },
      { resource: 'ioSlots', value: ioSlots, reason: 'Fixed: more copies at once are no faster.' },
    ],
    warnings: [...limits.problems, ...cores.warnings, ...memory.warnings],
  };
}

/** A number with the reason for it. */
interface Finding {
  readonly value: number;
  readonly reason: string;
}

function coresOf({ cpuQuota, cpuCount }: CgroupLimits, host: Host): Finding {
  const cpus = { value: host.availableParallelism, file: 'CPU affinity' };
  // The affinity respects the cpuset, so only a smaller one says something new.
  const { value, file } = cpuCount !== undefined && cpuCount.value < cpus.value ? cpuCount : cpus;
  const placed = { value, reason: `This process may run on ${countOf(value, 'CPU')} (${file}).` };
  if (cpuQuota === undefined) return placed;
  const timed = quotaFinding(cpuQuota);
  return timed.value <= placed.value ? timed : placed;
}

/**
 * A fraction of a core is not planned with: a thread more than the quota makes the kernel stop all
 * threads of the group for the rest of every period (sched-bwc.rst), while the fraction left over
 * serves this process and what its children do besides encoding. Less than one core is still one, or
 * nothing would ever run.
 */
function quotaFinding({ value, file }: CgroupLimit): Finding {
  const cores = Math.max(1, Math.floor(value));
  const rounded = Number(value.toFixed(2));
  const quota = `The control group has a CPU quota of ${countOf(rounded, 'core')} (${file})`;
  if (value < 1) return { value: cores, reason: `${quota}; one is the least to plan with.` };
  if (value === cores) return { value: cores, reason: `${quota}.` };
  return {
    value: cores,
    reason: `${quota}, rounded down: a thread more than the quota stalls all the others.`,
  };
}

function memoryOf({ memoryBytes }: CgroupLimits, host: Host): Finding {
  const isLimited = memoryBytes !== undefined && memoryBytes.value < host.totalMemoryBytes;
  const total = isLimited ? memoryBytes.value : host.totalMemoryBytes;
  const reserve = Math.min(Math.ceil(total * memoryReserveShare), memoryReserveBytesMax);
  const source = isLimited
    ? `The control group may use ${formatBytes(total)} (${memoryBytes.file})`
    : `The host has ${formatBytes(total)}`;
  return {
    value: total - reserve,
    reason: `${source}; ${formatBytes(reserve)} of it are kept for the service and for file caches.`,
  };
}

/** A finding with what the settings make of it. */
interface Lowered extends Finding {
  readonly warnings: readonly string[];
}

function lowered(
  found: Finding,
  setting: { wish: number | undefined; what: string; format: (value: number) => string },
): Lowered {
  const { wish, what, format } = setting;
  if (wish === undefined || wish === found.value) return { ...found, warnings: [] };
  if (wish < found.value) {
    const reason = `The settings ask for ${format(wish)}; ${format(found.value)} could be used.`;
    return { value: wish, reason, warnings: [] };
  }
  const warning =
    `The settings ask for more ${what} than can be used: ${format(wish)}. ` +
    `${format(found.value)} will be used. ${found.reason}`;
  return { ...found, warnings: [warning] };
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
