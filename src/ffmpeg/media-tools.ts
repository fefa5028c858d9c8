import type { Failure } from '../base/failure.ts';
import type { Result } from '../base/result.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { FfmpegCommand } from './command.ts';
import type { MediaLimits } from './limits.ts';

/** ffmpeg and ffprobe as node kinds use them. Children are gone when a call settles. */
export interface MediaTools {
  /** Absent where nothing is known of the programs; then what they make is not used again. */
  readonly versions?: MediaToolVersions;
  /**
   * Probes an untrusted file within a wall-clock limit. Failures: `empty`, `unsupported_format`,
   * `unsupported_codec`, `corrupt`, `truncated`, `encrypted`, `limit_*`, `timeout`, `cancelled`, `tool`.
   */
  probe(path: string, signal: AbortSignal): Promise<Result<MediaProbe, Failure>>;
  /**
   * Runs one command. Failures: `corrupt`, `encrypted`, `unsupported_codec`, `limit_size` (an
   * output grows too large), `storage` (disk full), `stalled` (no progress), `timeout` (its CPU time),
   * `cancelled`, `resource`, `tool`.
   */
  run(command: FfmpegCommand, control: RunControl): Promise<Result<RunReport, Failure>>;
  /** Reads an output this service made and checks it; `invalid_output` says what does not hold. */
  verify(
    path: string,
    expected: OutputExpectation,
    signal: AbortSignal,
  ): Promise<Result<OutputFacts, Failure>>;
}

/** What, besides the commands, decides about what comes of them. */
export interface MediaToolVersions {
  /** Both programs as they name themselves, e.g. `ffmpeg 5.1.9-0+deb12u1, ffprobe 5.1.9-0+deb12u1`. */
  readonly programs: string;
  /** The limits that a probe enforces. */
  readonly limits: MediaLimits;
}

/** How a run is followed, limited and ended. */
export interface RunControl {
  readonly signal: AbortSignal;
  /** Thread budget, ≥ 1: given to decoders, filters and encoders. */
  readonly threads: number;
  /** Expected length of the output in seconds; progress is relative to it. */
  readonly durationSec: number;
  onProgress(fraction: number): void;
}

/** What a run that exited with 0 reported. */
export interface RunReport {
  /** The last `out_time` it reported, in seconds; 0 when none. */
  readonly outTimeSec: number;
}

/** What an output has to hold. */
export interface OutputExpectation {
  /** Streams in order, e.g. `['video', 'audio', 'subtitle']`. */
  readonly streams: readonly ('video' | 'audio' | 'subtitle')[];
  /** Length in seconds with the allowed deviation; absent for pictures. */
  readonly duration?: { readonly seconds: number; readonly toleranceSec: number };
  /** Exact size of the video in pixels. */
  readonly size?: { readonly width: number; readonly height: number };
}

/** What was found in a verified output. */
export interface OutputFacts {
  readonly durationSec: number;
  readonly width?: number;
  readonly height?: number;
}
