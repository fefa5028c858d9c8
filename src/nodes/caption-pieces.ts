import type { TranscriptSegment } from '../speech/recognizer.ts';

/** A part of a caption that is never broken: a word, or a part of a text that has no blanks. */
export interface CaptionPiece {
  readonly text: string;
  /** Columns, see {@link widthOf}; at most {@link lineWidthMax}. */
  readonly width: number;
  /** Whether it follows the piece before without a blank. */
  readonly isGlued: boolean;
  readonly startMs: number;
  readonly endMs: number;
}

/** Widest line in columns: what broadcasters and streaming services allow, and a phone can show. */
export const lineWidthMax = 42;

/**
 * The pieces of a segment in order. Their times are those of its words where it has them, else they
 * share the segment's time by their lengths. Times never go back.
 */
export function toPieces(segment: TranscriptSegment): readonly CaptionPiece[] {
  const spans = spansOf(segment);
  let offset = 0;
  return segment.text
    .split(' ')
    .filter((word) => word !== '')
    .flatMap((word) =>
      breakWord(word).map((text, index) => {
        const start = offset;
        offset += text.length;
        return {
          text,
          width: widthOf(text),
          isGlued: index > 0,
          startMs: timeAt(start, spans.find((span) => span.end > start) ?? spans.at(-1)),
          endMs: timeAt(offset, spans.find((span) => span.end >= offset) ?? spans.at(-1)),
        };
      }),
    );
}

/** Columns that a text takes: two for a letter of East Asian scripts, else one per visible letter. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of letters.segment(text)) width += isWide(segment) ? 2 : 1;
  return width;
}

function isWide(letter: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303F\uFF01-\uFF60]/u.test(
    letter,
  );
}

const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const words = new Intl.Segmenter(undefined, { granularity: 'word' });

/** A stretch of letters, blanks not counted, and its time. */
interface LetterSpan {
  /** Offset of its first letter. */
  readonly start: number;
  /** Offset behind its last letter. */
  readonly end: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** The letters of each word; or of the whole segment when the words do not spell its text. */
function spansOf(segment: TranscriptSegment): readonly LetterSpan[] {
  const text = withoutBlanks(segment.text);
  const { startMs, endMs, words: timed = [] } = segment;
  const whole = [{ start: 0, end: text.length, startMs, endMs }];
  if (timed.map((word) => withoutBlanks(word.text)).join('') !== text) return whole;
  let offset = 0;
  return timed.map((word) => {
    const start = offset;
    offset += withoutBlanks(word.text).length;
    return { start, end: offset, startMs: word.startMs, endMs: word.endMs };
  });
}

function withoutBlanks(text: string): string {
  return text.replaceAll(' ', '');
}

function timeAt(offset: number, span: LetterSpan | undefined): number {
  if (span === undefined) return 0;
  const share = (offset - span.start) / (span.end - span.start);
  return Math.round(span.startMs + share * (span.endMs - span.startMs));
}

/** A word that fits on a line is one piece; a longer one, as in Chinese or Thai, is broken by sense. */
function breakWord(word: string): readonly string[] {
  if (widthOf(word) <= lineWidthMax) return [word];
  const pieces: string[] = [];
  for (const { segment, isWordLike } of words.segment(word)) {
    const last = pieces.at(-1);
    const fitsBehind = last !== undefined && widthOf(last + segment) <= lineWidthMax;
    // Punctuation does not begin a line.
    if (isWordLike !== true && fitsBehind) pieces.splice(-1, 1, last + segment);
    else pieces.push(...breakByLetters(segment));
  }
  return pieces;
}

/** Cuts what has no words within, such as an address, into pieces as long as a line. */
function breakByLetters(text: string): readonly string[] {
  const pieces: string[] = [];
  let line = '';
  let width = 0;
  for (const { segment } of letters.segment(text)) {
    const segmentWidth = widthOf(segment);
    if (width + segmentWidth > lineWidthMax) {
      pieces.push(line);
      line = '';
      width = 0;
    }
    line += segment;
    width += segmentWidth;
  }
  return line === '' ? pieces : [...pieces, line];
}
