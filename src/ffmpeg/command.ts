/**
 * An ffmpeg run as data. Pure functions in `src/nodes` and `src/ffmpeg` build it, tests compare it
 * token by token, only `Ffmpeg` runs it. Every element is one argv token; nothing is ever split.
 */
export interface FfmpegCommand {
  readonly inputs: readonly FfmpegInput[];
  readonly outputs: readonly FfmpegOutput[];
  /** Streams, as `-map` takes them, that are read without being decoded, and of which nothing is made. */
  readonly alsoRead?: readonly string[];
}

/** An input file. The safe input options (allow-lists, limits) are added to every one of them. */
export interface FfmpegInput {
  /** Absolute path; passed as `file:<path>`. */
  readonly path: string;
  /** Options before `-i`, e.g. `['-ss', '1.5']`. */
  readonly options: readonly string[];
  /** Files that this service made itself (intermediates, WebVTT) skip the allow-lists. */
  readonly isOwn?: boolean;
}

/** An output file. */
export interface FfmpegOutput {
  /** Absolute path; passed as `file:<path>`. */
  readonly path: string;
  /** Options before the path: maps, filters, codecs, `-f`. */
  readonly options: readonly string[];
  /** Frames keep their times, instead of being dropped and doubled to a constant rate. */
  readonly keepsFrameTimes?: boolean;
}
