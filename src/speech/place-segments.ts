import { required } from '../base/assert.ts';
import { spreadWords } from './engine-words.ts';
import type { TranscriptSegment, TranscriptWord } from './recognizer.ts';
import type { Piece, SpeechWindow } from './speech-windows.ts';
import { lengthOf, overlapOf } from './stretch.ts';
import type { Stretch } from './stretch.ts';

/**
 * How much of a stretch of speech a segment has to cover to be about it, in milliseconds: half of it at
 * most. Engines place an edge up to this far into the speech before or behind the segment's own.
 */
const coveredMsMin = 200;

/** An edge that lies outside of speech by no more than this is left alone: detectors are no better. */
const edgeMs = 200;

/** What real models write for a window in which they heard nothing. */
const nothingHeard = /^[[(]\s*(blank_audio|silence|inaudible)\s*[\])]$/i;

/**
 * Puts the segments that an engine found in one window (times in milliseconds from the window's start)
 * where they are in the recording: in order, not overlapping, trimmed, none empty. Edges that an engine
 * put into silence are moved to where speech is. A segment across a pause that the window leaves out is
 * cut there, if its words are known.
 */
export function placeSegments(
  window: SpeechWindow,
  segments: readonly TranscriptSegment[],
): readonly TranscriptSegment[] {
  const layout = layOut(window);
  const speech = layout.flatMap(({ piece, startMs }) =>
    piece.speech.map((stretch) => move(stretch, startMs - piece.startMs)),
  );
  return inOrder(
    segments
      .map((segment) => withEdges(segment, snapToSpeech(segment, speech)))
      .flatMap((segment) => splitByPiece(layout, segment))
      .map((part) => toRecording(layout, withEdges(part, snapToSpeech(part, speech))))
      .filter(({ text }) => text !== '' && !nothingHeard.test(text)),
  );
}

/** A piece with its place in the window. */
interface PlacedPiece extends Stretch {
  readonly piece: Piece;
}

function layOut({ pieces }: SpeechWindow): readonly PlacedPiece[] {
  let endMs = 0;
  return pieces.map((piece) => {
    const startMs = endMs;
    endMs += lengthOf(piece);
    return { piece, startMs, endMs };
  });
}

function move({ startMs, endMs }: Stretch, byMs: number): Stretch {
  return { startMs: startMs + byMs, endMs: endMs + byMs };
}

/** Moves edges that lie in silence to the speech that the segment covers. */
function snapToSpeech(edges: Stretch, speech: readonly Stretch[]): Stretch {
  const covered = speech.filter(
    (stretch) => overlapOf(edges, stretch) >= Math.min(coveredMsMin, lengthOf(stretch) / 2),
  );
  const first = covered[0];
  const last = covered.at(-1);
  if (first === undefined || last === undefined) return edges;
  return {
    startMs: edges.startMs < first.startMs - edgeMs ? first.startMs : edges.startMs,
    endMs: edges.endMs > last.endMs + edgeMs ? last.endMs : edges.endMs,
  };
}

/** A segment with new edges; its words are kept within them. */
function withEdges(segment: TranscriptSegment, { startMs, endMs }: Stretch): TranscriptSegment {
  const placed = { startMs, endMs, text: segment.text.trim() };
  if (segment.words === undefined) return placed;
  const clamp = (ms: number): number => Math.min(Math.max(ms, startMs), endMs);
  const words = segment.words.map((word) => ({
    startMs: clamp(word.startMs),
    endMs: clamp(word.endMs),
    text: word.text,
  }));
  return { ...placed, words: spreadWords(words) };
}

/** Cuts a segment where its words belong to different pieces; without words it stays whole. */
function splitByPiece(
  layout: readonly PlacedPiece[],
  segment: TranscriptSegment,
): readonly TranscriptSegment[] {
  const groups = new Map<PlacedPiece, TranscriptWord[]>();
  for (const word of segment.words ?? []) {
    const placed = placeAt(layout, (word.startMs + word.endMs) / 2);
    groups.set(placed, [...(groups.get(placed) ?? []), word]);
  }
  if (groups.size < 2) return [segment];
  return Array.from(groups, ([placed, words]) => {
    const startMs = Math.max(segment.startMs, placed.startMs);
    const endMs = Math.min(segment.endMs, placed.endMs);
    const text = words.map((word) => word.text).join(' ');
    return withEdges({ startMs, endMs, text, words }, { startMs, endMs });
  });
}

/** The piece that is heard at a time of the window; the last one behind its end. */
function placeAt(layout: readonly PlacedPiece[], windowMs: number): PlacedPiece {
  return required(
    layout.find(({ endMs }) => windowMs < endMs) ?? layout.at(-1),
    'piece of the window',
  );
}

function toRecording(
  layout: readonly PlacedPiece[],
  segment: TranscriptSegment,
): TranscriptSegment {
  const placed = { ...timesOf(layout, segment), text: segment.text };
  if (segment.words === undefined) return placed;
  const words = segment.words.map((word) => ({ ...timesOf(layout, word), text: word.text }));
  return { ...placed, words };
}

/** Times of a window as times of the recording. At a cut, an end belongs to what is before it. */
function timesOf(layout: readonly PlacedPiece[], { startMs, endMs }: Stretch): Stretch {
  const start = timeAt(layout, startMs);
  return { startMs: start, endMs: endMs > startMs ? timeAt(layout, endMs - 1) + 1 : start };
}

function timeAt(layout: readonly PlacedPiece[], windowMs: number): number {
  const { piece, startMs } = placeAt(layout, windowMs);
  return Math.min(piece.startMs + windowMs - startMs, piece.endMs - 1);
}

/** Later segments give way: their start moves behind the end of the one before. */
function inOrder(segments: readonly TranscriptSegment[]): readonly TranscriptSegment[] {
  let lastEndMs = 0;
  return segments.map((segment) => {
    const startMs = Math.max(segment.startMs, lastEndMs);
    const endMs = Math.max(segment.endMs, startMs + 1);
    lastEndMs = endMs;
    return withEdges(segment, { startMs, endMs });
  });
}
