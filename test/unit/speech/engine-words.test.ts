import { describe, expect, test } from 'vitest';
import { toSegment } from '../../../src/speech/engine-words.ts';
import type { TranscriptWord } from '../../../src/speech/recognizer.ts';

function tokens(...all: readonly (readonly [number, number, string])[]): TranscriptWord[] {
  return all.map(([startMs, endMs, text]) => ({ startMs, endMs, text }));
}

function wordsOf(text: string, ...all: readonly (readonly [number, number, string])[]) {
  return toSegment({ startMs: 0, endMs: 1000, text }, tokens(...all)).words;
}

describe('the words of a segment', () => {
  test('are its tokens, put together up to the next space', () => {
    const words = wordsOf(
      ' Welcome, Zoe!',
      [0, 200, ' Wel'],
      [200, 400, 'come'],
      [400, 420, ','],
      [500, 800, ' Zoe'],
      [800, 900, '!'],
    );
    expect(words).toEqual(tokens([0, 420, 'Welcome,'], [500, 900, 'Zoe!']));
  });

  test('share time by their letters where the engine gave them none', () => {
    expect(
      wordsOf(' a camera on', [300, 300, ' a'], [300, 1000, ' camera'], [1000, 1300, ' on']),
    ).toEqual(tokens([300, 400, 'a'], [400, 1000, 'camera'], [1000, 1300, 'on']));
  });

  test('are not given where a letter was cut into two tokens', () => {
    expect(wordsOf(' é', [0, 100, ' \uFFFD'], [100, 200, '\uFFFD'])).toBeUndefined();
  });

  test('are not given where they are not the text', () => {
    expect(wordsOf(' hello world', [0, 100, ' hello'])).toBeUndefined();
    expect(wordsOf(' hello')).toBeUndefined();
  });
});
