import { describe, expect, test } from 'vitest';
import {
  keptPauseMsMax,
  padMs,
  packWindows,
  windowMsMax,
} from '../../../src/speech/speech-windows.ts';
import type { Stretch } from '../../../src/speech/stretch.ts';
import { soundMs } from '../../support/sound-ms.ts';

const even = new Float32Array(0);

function pack(durationMs: number, ...stretches: readonly Stretch[]) {
  return packWindows({ stretches, durationMs, loudness: even });
}

function edgesOf(windows: ReturnType<typeof pack>) {
  return windows.map(({ pieces }) => pieces.map(({ startMs, endMs }) => [startMs, endMs]));
}

describe('windows', () => {
  test('are none where nobody speaks', () => {
    expect(pack(60_000)).toEqual([]);
  });

  test('keep some of the sound around speech, as far as the recording goes', () => {
    expect(edgesOf(pack(10_000, { startMs: 5000, endMs: 6000 }))).toEqual([
      [[5000 - padMs, 6000 + padMs]],
    ]);
    expect(edgesOf(pack(1100, { startMs: 100, endMs: 1000 }))).toEqual([[[0, 1100]]]);
  });

  test('keep a pause that belongs to speaking, and cut a longer one out', () => {
    const first = { startMs: 1000, endMs: 2000 };
    const near = { startMs: 2000 + keptPauseMsMax, endMs: 4000 };
    const far = { startMs: 2001 + keptPauseMsMax, endMs: 4000 };
    expect(edgesOf(pack(9000, first, near))).toEqual([[[1000 - padMs, 4000 + padMs]]]);
    expect(edgesOf(pack(9000, first, far))).toEqual([
      [
        [1000 - padMs, 2000 + padMs],
        [2001 + keptPauseMsMax - padMs, 4000 + padMs],
      ],
    ]);
  });

  test('begin anew where the next stretch does not fit', () => {
    const stretches = [0, 1, 2].map((index) => ({
      startMs: 1000 + index * 13_000,
      endMs: 11_000 + index * 13_000,
    }));
    const windows = pack(60_000, ...stretches);
    expect(windows.map(({ pieces }) => pieces.flatMap(({ speech }) => speech))).toEqual([
      stretches.slice(0, 2),
      stretches.slice(2),
    ]);
  });

  test('are cut where speech without a pause is quietest', () => {
    const loudness = new Float32Array(5000).fill(1000);
    // From 22.0 to 22.1 s, in the last third of what fits.
    loudness.fill(10, 2200, 2210);
    const stretches = [{ startMs: 0, endMs: 50_000 }];
    const windows = packWindows({ stretches, durationMs: 50_000, loudness });
    expect(edgesOf(windows)).toEqual([[[0, 22_050]], [[22_050, 50_000]]]);
    expect(windows.every((window) => soundMs(window) <= windowMsMax)).toBe(true);
  });
});
