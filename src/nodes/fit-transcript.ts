import type { Transcript, TranscriptSegment, TranscriptWord } from '../speech/recognizer.ts';

/**
 * The transcript as files may hold it: whole milliseconds within the recording, in order and without
 * overlaps, and one line of clean text per segment; a segment without text is left out.
 */
export function fitTranscript(transcript: Transcript): Transcript {
  const durationMs = Math.max(0, Math.round(transcript.durationMs));
  return {
    ...transcript,
    durationMs,
    segments: inOrder(transcript.segments, { startMs: 0, endMs: durationMs }).map(fitSegment),
  };
}

function fitSegment(segment: TranscriptSegment): TranscriptSegment {
  const { words, ...rest } = segment;
  const fitted = words === undefined ? [] : inOrder<TranscriptWord>(words, segment);
  return fitted.length === 0 ? rest : { ...rest, words: fitted };
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Each one begins where the one before ended at the earliest, and all lie within `bounds`. */
function inOrder<Timed extends Span & { readonly text: string }>(
  timed: readonly Timed[],
  bounds: Span,
): readonly Timed[] {
  let earliestMs = bounds.startMs;
  return timed.flatMap((one) => {
    const text = cleanText(one.text);
    if (text === '') return [];
    const startMs = between(earliestMs, one.startMs, bounds.endMs);
    const endMs = between(startMs, one.endMs, bounds.endMs);
    earliestMs = endMs;
    return [{ ...one, startMs, endMs, text }];
  });
}

function between(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(Math.round(value), most));
}

/**
 * One line of well-formed text: control characters, line and paragraph separators and byte order marks
 * are blanks, and so are runs of blanks. No-break spaces stay: they belong to words.
 */
export function cleanText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\uFEFF ]+/gu, ' ')
    .trim();
}
