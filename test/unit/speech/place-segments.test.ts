import { describe, expect, test } from 'vitest';
import { placeSegments } from '../../../src/speech/place-segments.ts';
import type { TranscriptSegment } from '../../../src/speech/recognizer.ts';
import type { Piece, SpeechWindow } from '../../../src/speech/speech-windows.ts';

function piece(startMs: number, endMs: number, ...speech: readonly [number, number][]): Piece {
  return { startMs, endMs, speech: speech.map(([from, to]) => ({ startMs: from, endMs: to })) };
}

/** Two utterances, of 10.5–12 s and 60.5–61.5 s, of which the window holds 2.5 s and 2 s. */
const window: SpeechWindow = {
  pieces: [piece(10_000, 12_500, [10_500, 12_000]), piece(60_000, 62_000, [60_500, 61_500])],
};

function place(...segments: readonly TranscriptSegment[]) {
  return placeSegments(window, segments);
}

function segment(
  [startMs, endMs]: readonly [number, number],
  text: string,
  words?: readonly (readonly [number, number, string])[],
): TranscriptSegment {
  if (words === undefined) return { startMs, endMs, text };
  return {
    startMs,
    endMs,
    text,
    words: words.map(([from, to, word]) => ({ startMs: from, endMs: to, text: word })),
  };
}

describe('segments of a window', () => {
  test('get the times of the recording, and their text trimmed', () => {
    expect(place(segment([500, 2000], ' hello world'), segment([3000, 4000], ' stop '))).toEqual([
      segment([10_500, 12_000], 'hello world'),
      segment([60_500, 61_500], 'stop'),
    ]);
  });

  test('take their words along', () => {
    const words = [
      [500, 1000, 'hello'],
      [1000, 2000, 'world'],
    ] as const;
    expect(place(segment([500, 2000], 'hello world', words))).toEqual([
      segment([10_500, 12_000], 'hello world', [
        [10_500, 11_000, 'hello'],
        [11_000, 12_000, 'world'],
      ]),
    ]);
  });

  test('that begin where the one before ended are moved to their own speech', () => {
    // As whisper.cpp of early 2024 has it.
    const segments = [segment([500, 2000], 'hello'), segment([2000, 4000], 'stop')];
    expect(place(...segments)[1]).toEqual(segment([60_500, 61_500], 'stop'));
  });

  test('that end long after their speech end with it', () => {
    expect(place(segment([500, 2490], 'hello'))).toEqual([segment([10_500, 12_000], 'hello')]);
  });

  test('keep edges that are off by less than detectors are', () => {
    expect(place(segment([400, 2150], 'hello'))).toEqual([segment([10_400, 12_150], 'hello')]);
  });

  test('are cut at a pause that was left out, where their words tell how', () => {
    const words = [
      [500, 2000, 'hello'],
      [2400, 4000, 'stop'],
    ] as const;
    const placed = place(segment([500, 4000], 'hello stop', words));
    expect(placed.map(({ text }) => text)).toEqual(['hello', 'stop']);
    expect(placed[0]).toMatchObject({ startMs: 10_500, endMs: 12_000 });
    expect(placed[1]).toMatchObject({ startMs: 60_500, endMs: 61_500 });
  });

  test('stay whole over such a pause without words', () => {
    expect(place(segment([500, 4000], 'hello stop'))).toEqual([
      segment([10_500, 61_500], 'hello stop'),
    ]);
  });

  test('end with the window, whatever the engine says', () => {
    expect(place(segment([3000, 30_000], 'stop'))).toEqual([segment([60_500, 61_500], 'stop')]);
    expect(place(segment([29_000, 30_000], 'stop'))[0]?.endMs).toBeLessThanOrEqual(62_000);
  });

  test('do not overlap, even where the engine has them so', () => {
    const [one, other] = place(segment([500, 1500], 'hello'), segment([1200, 2000], 'world'));
    expect(one?.endMs).toBe(11_500);
    expect(other?.startMs).toBe(11_500);
  });

  test('are dropped when they have no text, or say that there is none', () => {
    const empty = [segment([500, 700], '  '), segment([700, 900], ' [BLANK_AUDIO]')];
    expect(place(...empty, segment([3000, 4000], ' (silence) '))).toEqual([]);
  });
});
