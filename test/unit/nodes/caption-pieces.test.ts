import { describe, expect, it } from 'vitest';
import { toPieces, widthOf } from '../../../src/nodes/caption-pieces.ts';
import type { TranscriptSegment } from '../../../src/speech/recognizer.ts';
import { said } from './sample-transcript.ts';

/** Text and times of the pieces. */
function timesOf(segment: TranscriptSegment): readonly (readonly [string, number, number])[] {
  return toPieces(segment).map(({ text, startMs, endMs }) => [text, startMs, endMs]);
}

function textsOf(text: string): readonly string[] {
  return toPieces(said(text, 0, 1000)).map((piece) => piece.text);
}

describe('toPieces', () => {
  it('takes the times of the words', () => {
    const words = [said('hello', 100, 400), said('world', 700, 900)];
    expect(timesOf({ ...said('hello world', 0, 1000), words })).toEqual([
      ['hello', 100, 400],
      ['world', 700, 900],
    ]);
  });

  it('takes words that are cut otherwise than by blanks', () => {
    const words = [said('Hel', 0, 100), said('lo', 100, 200), said(',', 200, 250)];
    expect(
      timesOf({ ...said('Hello, you', 0, 900), words: [...words, said('you', 400, 600)] }),
    ).toEqual([
      ['Hello,', 0, 250],
      ['you', 400, 600],
    ]);
  });

  it('shares the time of the segment by length where there are no words', () => {
    expect(timesOf(said('one three', 1000, 1800))).toEqual([
      ['one', 1000, 1300],
      ['three', 1300, 1800],
    ]);
  });

  it('does so too where the words spell something else', () => {
    expect(timesOf({ ...said('ab cd', 0, 400), words: [said('ab', 0, 10)] })).toEqual([
      ['ab', 0, 200],
      ['cd', 200, 400],
    ]);
  });

  it('breaks a text without blanks between its words, and no punctuation from them', () => {
    const text = '私たちは月に行くことを選びます。この十年で月に行き、他のこともします。';
    const pieces = textsOf(text);
    expect(pieces.join('')).toBe(text);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.filter((piece) => /^[。、]/u.test(piece))).toEqual([]);
  });

  it('cuts what has no words within at the width of a line', () => {
    expect(textsOf('x'.repeat(100))).toEqual(['x'.repeat(42), 'x'.repeat(42), 'x'.repeat(16)]);
    expect(textsOf('👩‍👩‍👧'.repeat(50)).map((piece) => widthOf(piece))).toEqual([42, 8]);
  });
});

describe('widthOf', () => {
  it.each([
    ['hello', 5],
    ['é', 1],
    ['e\u0301', 1],
    ['月に', 4],
    ['한국', 4],
    ['', 0],
  ])('of %j is %i', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});
