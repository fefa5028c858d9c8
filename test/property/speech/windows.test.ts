import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packWindows, windowMsMax } from '../../../src/speech/speech-windows.ts';
import type { Speech, SpeechWindow } from '../../../src/speech/speech-windows.ts';
import { lengthOf, overlapOf } from '../../../src/speech/stretch.ts';
import type { Stretch } from '../../../src/speech/stretch.ts';
import { soundMs } from '../../support/sound-ms.ts';

/** Speech of up to 100 s at a time, with pauses from almost none to half a minute. */
const speechArbitrary: fc.Arbitrary<Speech> = fc
  .record({
    parts: fc.array(
      fc.record({
        pauseMs: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 30_000 })),
        speechMs: fc.oneof(
          fc.integer({ min: 100, max: 5000 }),
          fc.integer({ min: 1, max: 100_000 }),
        ),
      }),
      { maxLength: 40 },
    ),
    restMs: fc.integer({ min: 0, max: 5000 }),
    loudness: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 50 }),
  })
  .map(({ parts, restMs, loudness }) => {
    let timeMs = 0;
    const stretches = parts.map(({ pauseMs, speechMs }) => {
      const startMs = timeMs + pauseMs;
      timeMs = startMs + speechMs;
      return { startMs, endMs: timeMs };
    });
    const durationMs = timeMs + restMs;
    const frames = Float32Array.from(
      { length: Math.ceil(durationMs / 10) },
      (_, index) => loudness[index % loudness.length] ?? 0,
    );
    return { stretches, durationMs, loudness: frames };
  });

function piecesOf(windows: readonly SpeechWindow[]) {
  return windows.flatMap(({ pieces }) => pieces);
}

function checkSpeech(check: (speech: Speech, windows: readonly SpeechWindow[]) => void): void {
  fc.assert(fc.property(speechArbitrary, (speech) => check(speech, packWindows(speech))));
}

describe('windows of any speech', () => {
  test('lose no moment of it, and have none twice', () => {
    checkSpeech(({ stretches }, windows) => {
      for (const stretch of stretches) {
        const covered = piecesOf(windows).map((piece) => overlapOf(piece, stretch));
        expect(covered.reduce((sum, ms) => sum + ms, 0)).toBe(lengthOf(stretch));
      }
    });
  });

  test('hold no more than an engine hears at once', () => {
    checkSpeech((_speech, windows) => {
      expect(windows.filter((window) => soundMs(window) > windowMsMax)).toEqual([]);
    });
  });

  test('are in order, do not overlap and stay within the recording', () => {
    checkSpeech(({ durationMs }, windows) => {
      let lastEndMs = 0;
      for (const { startMs, endMs } of piecesOf(windows)) {
        expect(startMs).toBeGreaterThanOrEqual(lastEndMs);
        expect(endMs).toBeGreaterThan(startMs);
        lastEndMs = endMs;
      }
      expect(lastEndMs).toBeLessThanOrEqual(durationMs);
    });
  });

  test('know where in their pieces somebody speaks', () => {
    checkSpeech(({ stretches }, windows) => {
      const total = (all: readonly Stretch[]): number =>
        all.reduce((sum, stretch) => sum + lengthOf(stretch), 0);
      for (const { speech, startMs, endMs } of piecesOf(windows)) {
        expect(speech.length).toBeGreaterThan(0);
        expect(speech.every((one) => one.startMs >= startMs && one.endMs <= endMs)).toBe(true);
      }
      expect(total(piecesOf(windows).flatMap(({ speech }) => speech))).toBe(total(stretches));
    });
  });
});
