import type { Failure } from '../base/failure.ts';
import type { Result } from '../base/result.ts';

/** Speech to text. Adapters run the engine in a child process of their own and are held to one suite. */
export interface Recognizer {
  /** `addon` or `cli`, or `auto` as long as it has not chosen between them. */
  readonly name: string;
  /**
   * What its transcripts depend on besides the recording and the language: engine and files of the model
   * (the request's, else the configured one). Undefined while the model is not there; absent where
   * nothing is known of it.
   */
  version?(model: string | undefined): string | undefined;
  /**
   * Recognizes one recording. Aborting `signal` kills the child and gives `cancelled`. Silence gives a
   * transcript without segments. Failures: `model_missing` (the message holds the command to run),
   * `timeout`, `stalled`, `cancelled`, `tool`.
   */
  recognize(
    request: RecognitionRequest,
    control: RecognitionControl,
  ): Promise<Result<Transcript, Failure>>;
}

/** What to recognize, and with what. */
export interface RecognitionRequest {
  /** Absolute path of a WAV file: 16 kHz, mono, signed 16-bit little-endian PCM. */
  readonly path: string;
  readonly durationSec: number;
  /** ISO 639-1 code, e.g. `en`; detected when absent. */
  readonly language?: string;
  /** Model name (`base.en`) or path; the configured one when absent. */
  readonly model?: string;
  /** Thread budget, ≥ 1. */
  readonly threads: number;
  /**
   * Absolute path of a directory that may take files for the time of the recognition. The caller owns it,
   * and sweeps what is left there when the service is killed.
   */
  readonly scratchDirectory: string;
}

/** How the caller follows and ends a recognition. */
export interface RecognitionControl {
  readonly signal: AbortSignal;
  /** 0…1, growing. */
  onProgress(fraction: number): void;
}

/** Recognized speech. Times are milliseconds from the start of the recording. */
export interface Transcript {
  /**
   * ISO 639-1 code: the given or the detected one; `en` for a model that knows only English; `und` when
   * it was neither given nor could be detected, because nobody speaks.
   */
  readonly language: string;
  /** Whether `language` was detected: neither given, nor the only one that the model knows. */
  readonly isLanguageDetected: boolean;
  readonly durationMs: number;
  /** The engine: `addon` or `cli`. */
  readonly recognizer: string;
  /** The model's name, e.g. `ggml-base.en.bin`; never a path. */
  readonly model: string;
  /** In order of time, not overlapping; text is trimmed and not empty. */
  readonly segments: readonly TranscriptSegment[];
}

/** A stretch of speech. */
export interface TranscriptSegment {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
  /** Where the engine gives them. */
  readonly words?: readonly TranscriptWord[];
}

/** A word of a segment. */
export interface TranscriptWord {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}
