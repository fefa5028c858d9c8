import type { Transcript, TranscriptSegment } from '../speech/recognizer.ts';
import { lineWidthMax, toPieces } from './caption-pieces.ts';
import type { CaptionPiece } from './caption-pieces.ts';

/** A caption: what is shown from one time to another. */
export interface Cue {
  /** Whole milliseconds from the start of the recording. */
  readonly startMs: number;
  /** Greater than `startMs`. */
  readonly endMs: number;
  /** One or two lines of plain text, neither empty nor wider than {@link lineWidthMax}. */
  readonly lines: readonly string[];
}

/** Longest time that a cue is shown: who reads is done by then, and would read it again. */
export const cueMsMax = 7000;

/**
 * Shortest time that a cue is shown where the next one leaves room: a shorter one is a flicker. It may
 * outlast its word by that, though not by more: captions stay with the voice.
 */
const cueMsLeast = 500;

/** Text that is split is not split into cues shorter than this where it can be helped. */
const readableMsMin = 1000;

/**
 * The transcript as captions that can be read: in order, never overlapping, within the recording.
 * Every segment has cues of its own.
 *
 * @param transcript as {@link fitTranscript} leaves it.
 */
export function toCues(transcript: Transcript): readonly Cue[] {
  return keepApart(transcript.segments.flatMap(segmentCues), transcript.durationMs);
}

/**
 * Gives every cue a time of its own. A recording has fewer milliseconds than cues only when its times
 * are wrong; then the last cues outlast it.
 */
function keepApart(cues: readonly Cue[], durationMs: number): readonly Cue[] {
  const limitMs = Math.max(durationMs, cues.length);
  let earliestMs = 0;
  const starts = cues.map((cue, index) => {
    const latestMs = limitMs - (cues.length - index);
    const startMs = Math.min(Math.max(cue.startMs, earliestMs), latestMs);
    earliestMs = startMs + 1;
    return startMs;
  });
  return cues.map(({ endMs, lines }, index) => {
    const startMs = starts[index] ?? 0;
    const wantedMs = Math.max(endMs, startMs + cueMsLeast);
    return { startMs, endMs: Math.min(wantedMs, starts[index + 1] ?? limitMs), lines };
  });
}

function segmentCues(segment: TranscriptSegment): readonly Cue[] {
  return splitPieces(toPieces(segment)).map(({ startMs, endMs, lines }) => ({
    startMs,
    endMs: Math.min(endMs, startMs + cueMsMax),
    lines,
  }));
}

/** The best way to show the pieces from some place on. */
interface Split {
  readonly cost: number;
  readonly cue?: Cue;
  readonly rest?: Split;
}

/** Splits pieces into cues at the least cost, from the last piece to the first. */
function splitPieces(pieces: readonly CaptionPiece[]): readonly Cue[] {
  const best: Split[] = [];
  best[pieces.length] = { cost: 0 };
  for (let start = pieces.length - 1; start >= 0; start -= 1) {
    best[start] = bestSplit(pieces, start, best);
  }
  const cues: Cue[] = [];
  for (let split = best[0]; split?.cue !== undefined; split = split.rest) cues.push(split.cue);
  return cues;
}

function bestSplit(pieces: readonly CaptionPiece[], start: number, best: readonly Split[]): Split {
  let found: Split = { cost: Infinity };
  for (let end = start + 1; end <= pieces.length; end += 1) {
    const group = pieces.slice(start, end);
    const cue = layOut(group);
    // What is too much stays too much with more.
    if (cue === undefined) break;
    const rest = best[end];
    const cost = costOf(cue, group, end === pieces.length) + (rest?.cost ?? Infinity);
    if (cost < found.cost) found = { cost, cue, ...(rest && { rest }) };
  }
  return found;
}

/** A cue of these pieces; undefined when they are too long in text or in time for one. */
function layOut(pieces: readonly CaptionPiece[]): Cue | undefined {
  const [first] = pieces;
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const { startMs } = first;
  const { endMs } = last;
  if (pieces.length > 1 && endMs - startMs > cueMsMax) return undefined;
  const lines = breakLines(pieces);
  return lines && { startMs, endMs, lines };
}

/** One line where that is enough, else two that are about as long; undefined when two do not do. */
function breakLines(pieces: readonly CaptionPiece[]): readonly string[] | undefined {
  if (lineWidth(pieces) <= lineWidthMax) return [lineText(pieces)];
  let least = Infinity;
  let lines: readonly string[] | undefined;
  for (let index = 1; index < pieces.length; index += 1) {
    const upper = pieces.slice(0, index);
    const lower = pieces.slice(index);
    const widths = [lineWidth(upper), lineWidth(lower)] as const;
    if (Math.max(...widths) > lineWidthMax) continue;
    const imbalance = (widths[0] - widths[1]) / lineWidthMax;
    const cost = imbalance ** 2 + breakCost(upper.at(-1));
    if (cost >= least) continue;
    least = cost;
    lines = [lineText(upper), lineText(lower)];
  }
  return lines;
}

function lineWidth(pieces: readonly CaptionPiece[]): number {
  return pieces.reduce(
    (sum, { width, isGlued }, index) => sum + width + (index === 0 || isGlued ? 0 : 1),
    0,
  );
}

function lineText(pieces: readonly CaptionPiece[]): string {
  return pieces.reduce(
    (line, { text, isGlued }, index) => (index === 0 || isGlued ? line + text : `${line} ${text}`),
    '',
  );
}

/**
 * Few cues, well filled, that end where a sentence or a part of one does, and last long enough to be
 * read. The weights only have to rank: a cue more costs more than any bad break saves.
 */
function costOf(cue: Cue, pieces: readonly CaptionPiece[], isEnd: boolean): number {
  const emptiness = Math.max(0, 1 - lineWidth(pieces) / (2 * lineWidthMax));
  const isShort = cue.endMs - cue.startMs < readableMsMin;
  return 2 + emptiness ** 2 + (isEnd ? 0 : breakCost(pieces.at(-1))) + (isShort ? 0.5 : 0);
}

/** How bad it is to break behind a piece. */
function breakCost(piece: CaptionPiece | undefined): number {
  if (piece === undefined || /[.!?…。！？]["'”’»)\]]*$/u.test(piece.text)) return 0;
  return /[,;:–—、，；：]["'”’»)\]]*$/u.test(piece.text) ? 0.1 : 0.3;
}
