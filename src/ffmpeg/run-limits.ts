import { gibibyte, mebibyte } from '../base/units.ts';
import { cpuSecondsOf, openFilesMax } from '../processes/child-limits.ts';
import type { ChildLimits } from '../processes/child-limits.ts';

/** A run of ffmpeg or ffprobe, as far as its limits go. */
export interface LimitedRun {
  /** The longest that it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Thread budget, ≥ 1. */
  readonly threads: number;
  /** Bytes of any file that it writes. */
  readonly fileBytesMax: number;
}

/**
 * Address space of a run on few threads. An encode of 4K takes 0.9 GiB of it, so that is room for larger
 * pictures with deeper colors; a picture that is a bomb takes what there is.
 */
const addressBytesBase = 4 * gibibyte;

/**
 * Address space for each thread of the budget. It means three and a half threads (decoder, filter and
 * encoder have their own), each of which may reserve 64 MiB for its allocations and 8 MiB of stack
 * (glibc's arenas on a machine with many cores). Measured on two cores: 90 MiB.
 */
const addressBytesPerThread = 256 * mebibyte;

/** What the system holds a run to. */
export function limitsOfRun({ timeoutMs, threads, fileBytesMax }: LimitedRun): ChildLimits {
  return {
    cpuSec: cpuSecondsOf(timeoutMs, threads),
    fileBytesMax,
    openFilesMax,
    addressBytesMax: addressBytesBase + threads * addressBytesPerThread,
  };
}
