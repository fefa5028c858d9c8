/** Starting a process and loading the largest model from a slow disk, in milliseconds. */
const startLimitMs = 60_000;

/**
 * Seconds of computing per second of sound, on one thread, that are still taken for progress. The largest
 * model needs about 6 on a slow core, and more where it has to decode a window again.
 */
const secondsPerSecondMax = 20;

/** More threads than these make nothing faster for certain. */
const threadsMax = 8;

/**
 * How long the recognition of so much sound may take, in milliseconds: a net for engines that never come
 * back, not a promise.
 */
export function recognitionLimitMs(durationSec: number, threads: number): number {
  const seconds = (Math.max(0, durationSec) * secondsPerSecondMax) / Math.min(threads, threadsMax);
  return startLimitMs + Math.ceil(seconds * 1000);
}
