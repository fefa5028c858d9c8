import type { JsonObject } from '../base/json.ts';
import type { Transcript } from '../speech/recognizer.ts';

/** Grows by one when a reader of transcripts has to change. */
const transcriptVersion = 1;

/**
 * A transcript as its file holds it. Times are seconds from the start of the recording with at most
 * three decimals; `words` is there where the recognizer gives them.
 */
export function transcriptJson(transcript: Transcript): JsonObject {
  const { language, isLanguageDetected, durationMs, recognizer, model, segments } = transcript;
  return {
    version: transcriptVersion,
    language,
    isLanguageDetected,
    durationSec: toSeconds(durationMs),
    recognizer,
    model,
    segments: segments.map(({ words, ...segment }) => ({
      ...timedText(segment),
      ...(words === undefined ? {} : { words: words.map(timedText) }),
    })),
  };
}

interface TimedText {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}

function timedText({ startMs, endMs, text }: TimedText): JsonObject {
  return { startSec: toSeconds(startMs), endSec: toSeconds(endMs), text };
}

/** Whole milliseconds in seconds: a division by 1000 gives the shortest decimals, no rounding needed. */
function toSeconds(timeMs: number): number {
  return timeMs / 1000;
}
