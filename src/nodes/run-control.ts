import type { RunControl } from '../ffmpeg/media-tools.ts';
import type { NodeAttempt } from './node-kind.ts';

/** How an attempt follows, limits and ends an ffmpeg run that makes `durationSec` seconds. */
export function runControl(attempt: NodeAttempt, durationSec: number): RunControl {
  return {
    signal: attempt.signal,
    threads: attempt.cores,
    durationSec,
    onProgress: (fraction) => attempt.onProgress(fraction),
  };
}
