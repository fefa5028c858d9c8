/** What a child may use at most. The system enforces it, where the starter can ask it to (setrlimit(2)). */
export interface ChildLimits {
  /**
   * CPU seconds of all its threads together, a whole number ≥ 1. Beyond them it gets SIGXCPU, once a
   * second, and after {@link cpuGraceSec} more SIGKILL.
   */
  readonly cpuSec: number;
  /** Bytes of any file that it writes; a write beyond ends it by SIGXFSZ. Pipes and memory don't count. */
  readonly fileBytesMax: number;
  /** File descriptors; at most one less than this is ever the highest. */
  readonly openFilesMax: number;
  /**
   * Bytes of its address space, beyond which it gets no more memory. Absent for programs that reserve
   * far more than they use, as Node does.
   */
  readonly addressBytesMax?: number;
}

/** CPU seconds between SIGXCPU and SIGKILL: ffmpeg takes the first for a wish to end in good order. */
export const cpuGraceSec = 5;

/**
 * Open files of one child at most. Measured peaks: 8 in ffmpeg with two outputs, 24 in the speech child
 * (`/proc/<pid>/fd`), so this is room enough for fonts, code pages and devices.
 */
export const openFilesMax = 256;

/** CPU seconds that a run may take beyond its threads' share: starting, loading, and rounding. */
const cpuSlackSec = 2;

/** The CPU seconds that so many threads can use in so long a time, in milliseconds, and some more. */
export function cpuSecondsOf(timeoutMs: number, threads: number): number {
  return Math.ceil((Math.max(0, timeoutMs) / 1000) * Math.max(1, threads)) + cpuSlackSec;
}
