import { lengthOf } from './stretch.ts';
import type { Stretch } from './stretch.ts';

/**
 * What an engine gets to hear at once: pieces of the recording, in order and not overlapping, put one
 * behind the other. Long pauses are left out, so that a window is full of speech.
 */
export interface SpeechWindow {
  readonly pieces: readonly Piece[];
}

/** A piece of the recording: stretches of speech, with a little of the sound around them. */
export interface Piece extends Stretch {
  /** Where somebody speaks in it; at least one. */
  readonly speech: readonly Stretch[];
}

/** What windows are made from. */
export interface Speech {
  /** Where somebody speaks: in order, not overlapping. */
  readonly stretches: readonly Stretch[];
  readonly durationMs: number;
  /** How loud the recording is: one value per 10 ms, on any scale that grows with loudness. */
  readonly loudness: Float32Array;
}

/** Milliseconds per value of {@link Speech.loudness}. */
export const loudnessFrameMs = 10;

/**
 * Silence behind the sound of every window, in milliseconds. whisper.cpp of early 2024 leaves the last
 * second of a recording out, and with it the last word of the fixture.
 */
export const windowTailMs = 1000;

/** A Whisper network hears 30 s at once, the tail included. */
export const windowMsMax = 30_000 - windowTailMs;

/**
 * Sound kept on both sides of speech: detectors find a soft beginning late and a soft ending early, and
 * a pause that was shortened has to be long enough to end a sentence. Of 296 words of the fixture's
 * phrases with pauses of 0.2 to 20 s, 9 were wrong with 300 ms, 4 with 400 ms, 1 with 500 ms.
 */
export const padMs = 500;

/** A pause up to this long is kept as it is: it belongs to how people speak. */
export const keptPauseMsMax = 1000;

/** A cut inside of speech is looked for in its last third: at its quietest 100 ms. */
const cutSearchMs = 10_000;
const cutFrames = 10;

/**
 * Packs speech into windows of at most {@link windowMsMax}: every moment of speech is in exactly one of
 * them, in order. They are cut in silence; speech without any pause is cut where it is quietest.
 */
export function packWindows(speech: Speech): readonly SpeechWindow[] {
  const windows: Piece[][] = [];
  let lengthMs = 0;
  for (const piece of padPieces(cutLongStretches(speech), speech.durationMs)) {
    const current = windows.at(-1);
    const last = current?.at(-1);
    const linked = last === undefined ? undefined : linkPieces(last, piece);
    const addedMs = linked === undefined ? lengthOf(piece) : linked.endMs - (last?.endMs ?? 0);
    if (current === undefined || lengthMs + addedMs > windowMsMax) {
      windows.push([piece]);
      lengthMs = lengthOf(piece);
      continue;
    }
    if (linked === undefined) current.push(piece);
    else current[current.length - 1] = linked;
    lengthMs += addedMs;
  }
  return windows.map((pieces) => ({ pieces }));
}

function cutLongStretches({ stretches, loudness }: Speech): readonly Stretch[] {
  const pieceMsMax = windowMsMax - 2 * padMs;
  return stretches.flatMap((stretch) => {
    const parts: Stretch[] = [];
    let rest = stretch;
    while (lengthOf(rest) > pieceMsMax) {
      const searchEndMs = rest.startMs + pieceMsMax;
      const cutMs = quietestMs(loudness, {
        startMs: searchEndMs - cutSearchMs,
        endMs: searchEndMs,
      });
      parts.push({ startMs: rest.startMs, endMs: cutMs });
      rest = { startMs: cutMs, endMs: rest.endMs };
    }
    return [...parts, rest];
  });
}

/** The middle of the quietest 100 ms of a part of the recording. */
function quietestMs(loudness: Float32Array, { startMs, endMs }: Stretch): number {
  const first = Math.floor(startMs / loudnessFrameMs);
  const last = Math.floor(endMs / loudnessFrameMs) - cutFrames;
  let quietest = last;
  let leastSum = Infinity;
  for (let frame = first; frame <= last; frame += 1) {
    let sum = 0;
    for (let index = frame; index < frame + cutFrames; index += 1) sum += loudness[index] ?? 0;
    // The last of equals: windows come out as long as they may be.
    if (sum > leastSum) continue;
    leastSum = sum;
    quietest = frame;
  }
  return (quietest + cutFrames / 2) * loudnessFrameMs;
}

/** Gives each stretch some of the silence around it; two neighbors share what lies between them. */
function padPieces(stretches: readonly Stretch[], durationMs: number): readonly Piece[] {
  return stretches.map((stretch, index) => {
    const beforeMs = stretch.startMs - (stretches[index - 1]?.endMs ?? -Infinity);
    const afterMs = (stretches[index + 1]?.startMs ?? Infinity) - stretch.endMs;
    return {
      startMs: Math.max(0, stretch.startMs - Math.min(padMs, Math.floor(beforeMs / 2))),
      endMs: Math.min(durationMs, stretch.endMs + Math.min(padMs, Math.floor(afterMs / 2))),
      speech: [stretch],
    };
  });
}

/** Two pieces with the pause between them, where it is short enough to be kept. */
function linkPieces(one: Piece, next: Piece): Piece | undefined {
  const pauseMs = (next.speech[0]?.startMs ?? next.startMs) - (one.speech.at(-1)?.endMs ?? 0);
  if (pauseMs > keptPauseMsMax) return undefined;
  return { startMs: one.startMs, endMs: next.endMs, speech: [...one.speech, ...next.speech] };
}
