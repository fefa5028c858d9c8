import { describe, expect, it } from 'vitest';
import { compareScores, isTelling, scorePicture } from '../../../src/nodes/picture-score.ts';

function picture(...parts: readonly (readonly [luma: number, count: number])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(([luma, count]) => Array<number>(count).fill(luma)));
}

describe('scorePicture', () => {
  it('finds nothing in a black, a white or a gray picture', () => {
    for (const luma of [0, 16, 128, 255]) {
      expect(isTelling(scorePicture(picture([luma, 1024])))).toBe(false);
    }
  });

  it('finds nothing in a black picture with a small logo', () => {
    expect(isTelling(scorePicture(picture([0, 1000], [255, 24])))).toBe(false);
  });

  it('finds something in a scene, also in a dark one', () => {
    expect(isTelling(scorePicture(picture([40, 500], [200, 524])))).toBe(true);
    expect(isTelling(scorePicture(picture([10, 700], [90, 324])))).toBe(true);
  });

  it('measures brightness and contrast without the outermost pixels', () => {
    const scored = scorePicture(picture([0, 10], [100, 490], [200, 490], [255, 10]));
    expect(scored.contrast).toBe(100);
    expect(scored.brightness).toBeCloseTo(149.55, 2);
  });
});

describe('compareScores', () => {
  it('puts contrast first, then brightness', () => {
    const scores = [
      { brightness: 200, contrast: 0 },
      { brightness: 10, contrast: 20 },
      { brightness: 90, contrast: 20 },
    ];
    expect(scores.toSorted(compareScores)).toEqual([scores[2], scores[1], scores[0]]);
  });
});
