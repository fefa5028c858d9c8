import type {
  Transcript,
  TranscriptSegment,
  TranscriptWord,
} from '../../../src/speech/recognizer.ts';

/** A transcript of a minute with these segments. */
export function transcriptOf(
  segments: readonly TranscriptSegment[],
  changes: Partial<Transcript> = {},
): Transcript {
  return {
    language: 'en',
    isLanguageDetected: true,
    durationMs: 60_000,
    recognizer: 'addon',
    model: 'ggml-base.bin',
    segments,
    ...changes,
  };
}

/** What is said from one millisecond to another, as a segment or as a word of one. */
export function said(text: string, startMs: number, endMs: number): TranscriptWord {
  return { text, startMs, endMs };
}
