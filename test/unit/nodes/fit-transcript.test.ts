import { describe, expect, it } from 'vitest';
import { cleanText, fitTranscript } from '../../../src/nodes/fit-transcript.ts';
import type { TranscriptSegment } from '../../../src/speech/recognizer.ts';
import { said, transcriptOf } from './sample-transcript.ts';

function fit(segments: readonly TranscriptSegment[]): readonly TranscriptSegment[] {
  return fitTranscript(transcriptOf(segments)).segments;
}

describe('fitTranscript', () => {
  it('leaves a sound transcript as it is', () => {
    const segments = [
      { ...said('hello world', 0, 900), words: [said('hello', 0, 400), said('world', 500, 900)] },
      said('bye', 900, 1500),
    ];
    expect(fitTranscript(transcriptOf(segments))).toEqual(transcriptOf(segments));
  });

  it('keeps all times within the recording', () => {
    expect(fit([said('early', -300, 200), said('late', 59_000, 61_000)])).toEqual([
      said('early', 0, 200),
      said('late', 59_000, 60_000),
    ]);
    expect(fit([said('after it', 70_000, 80_000)])).toEqual([said('after it', 60_000, 60_000)]);
  });

  it('lets no segment begin before the one before ends, nor end before it begins', () => {
    expect(fit([said('one', 0, 2000), said('two', 1500, 3000), said('three', 4000, 3500)])).toEqual(
      [said('one', 0, 2000), said('two', 2000, 3000), said('three', 4000, 4000)],
    );
  });

  it('keeps words within their segment and in order', () => {
    const words = [said('a', 0, 700), said('b', 600, 5000)];
    expect(fit([{ ...said('a b', 500, 1000), words }])).toEqual([
      { ...said('a b', 500, 1000), words: [said('a', 500, 700), said('b', 700, 1000)] },
    ]);
  });

  it('gives whole milliseconds', () => {
    expect(fit([said('a', 0.4, 1000.6)])).toEqual([said('a', 0, 1001)]);
  });

  it('leaves out what has no text', () => {
    expect(fit([said(' \u0000 ', 0, 100), said('b', 100, 200)])).toEqual([said('b', 100, 200)]);
    expect(fit([{ ...said('b', 100, 200), words: [said(' ', 100, 200)] }])).toEqual([
      said('b', 100, 200),
    ]);
  });
});

describe('cleanText', () => {
  it.each([
    ['  hello   world ', 'hello world'],
    ['hello\r\n\r\nworld', 'hello world'],
    ['a\u0000b\u001Bc\u0085d', 'a b c d'],
    ['\uFEFFa\u2028b', 'a b'],
    ['cut\uD83D', 'cut\uFFFD'],
    ['Ça va\u00A0?', 'Ça va\u00A0?'],
  ])('makes one clean line of %j', (text, wanted) => {
    expect(cleanText(text)).toBe(wanted);
  });
});
