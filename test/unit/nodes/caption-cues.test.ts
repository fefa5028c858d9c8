import { describe, expect, it } from 'vitest';
import { toCues } from '../../../src/nodes/caption-cues.ts';
import type { Cue } from '../../../src/nodes/caption-cues.ts';
import type { TranscriptSegment } from '../../../src/speech/recognizer.ts';
import { said, transcriptOf } from './sample-transcript.ts';

function cuesOf(segments: readonly TranscriptSegment[], durationMs = 60_000): readonly Cue[] {
  return toCues(transcriptOf(segments, { durationMs }));
}

function linesOf(cues: readonly Cue[]): readonly (readonly string[])[] {
  return cues.map(({ lines }) => lines);
}

const speech =
  'And so, my fellow Americans, ask not what your country can do for you; ask what you can do for your country.';

describe('toCues', () => {
  it('makes one cue of a short segment, at its times', () => {
    expect(cuesOf([said('hello world', 300, 1240), said('stop', 9820, 10_360)])).toEqual([
      { startMs: 300, endMs: 1240, lines: ['hello world'] },
      { startMs: 9820, endMs: 10_360, lines: ['stop'] },
    ]);
  });

  it('makes no cue of silence', () => {
    expect(cuesOf([])).toEqual([]);
  });

  it('breaks a line that is too long into two of about the same length', () => {
    expect(
      linesOf(cuesOf([said('one two three four five six seven eight nine', 0, 4000)])),
    ).toEqual([['one two three four five', 'six seven eight nine']]);
  });

  it('splits a text that is too long for two lines, rather where a part of it ends', () => {
    expect(linesOf(cuesOf([said(speech, 0, 9000)]))).toEqual([
      ['And so, my fellow Americans,', 'ask not what your country can do for you;'],
      ['ask what you can do for your country.'],
    ]);
  });

  it('splits where the words are, in time', () => {
    const words = Array.from({ length: 12 }, (_, index) =>
      said(`number${index}`, index * 1000, index * 1000 + 500),
    );
    const text = words.map((word) => word.text).join(' ');
    const cues = cuesOf([{ ...said(text, 0, 12_000), words }]);
    expect(cues.length).toBeGreaterThan(1);
    for (const { startMs, endMs, lines } of cues) {
      const shown = lines.join(' ').split(' ');
      expect(startMs).toBe(words.find((word) => word.text === shown[0])?.startMs);
      expect(endMs).toBe(words.find((word) => word.text === shown.at(-1))?.endMs);
    }
  });

  it('shows nothing longer than seven seconds', () => {
    expect(cuesOf([said('hello', 1000, 31_000)])).toEqual([
      { startMs: 1000, endMs: 8000, lines: ['hello'] },
    ]);
  });

  it('shows a short word for half a second, where there is room', () => {
    const cues = cuesOf([said('a', 0, 100), said('b', 300, 350), said('c', 59_900, 59_950)]);
    expect(cues.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [0, 300],
      [300, 800],
      [59_900, 60_000],
    ]);
  });

  it('gives every cue a time of its own, even when all times are the same', () => {
    const cues = cuesOf(
      [said('a', 1000, 1000), said('b', 1000, 1000), said('c', 1000, 1000)],
      1000,
    );
    expect(cues).toEqual([
      { startMs: 997, endMs: 998, lines: ['a'] },
      { startMs: 998, endMs: 999, lines: ['b'] },
      { startMs: 999, endMs: 1000, lines: ['c'] },
    ]);
  });
});
