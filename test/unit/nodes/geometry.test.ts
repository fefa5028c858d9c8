import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitLongSide, fitShortSide } from '../../../src/nodes/geometry.ts';
import { videoTrack } from './sample-media.ts';

function shown(displayWidth: number, displayHeight: number): ReturnType<typeof videoTrack> {
  return videoTrack({ displayWidth, displayHeight });
}

describe('fitShortSide', () => {
  it.each([
    ['a 1080p film to 720p', [1920, 1080], 720, [1280, 720]],
    ['a 1080p film to its own size', [1920, 1080], 1080, [1920, 1080]],
    ['a 4K film to 1080p', [3840, 2160], 1080, [1920, 1080]],
    ['an upright phone film by its width', [1080, 1920], 720, [720, 1280]],
    ['a small film not at all', [640, 360], 720, [640, 360]],
    ['a film of odd width to even sides', [853, 480], 720, [852, 480]],
    ['a film of odd height to even sides', [1601, 901], 720, [1280, 720]],
    ['a square film', [2000, 2000], 720, [720, 720]],
    ['a wide film to the nearest even width', [1920, 804], 720, [1720, 720]],
    ['a 100-pixel film not at all', [100, 100], 720, [100, 100]],
    ['a film one pixel wide to the smallest picture there is', [1, 30], 720, [2, 30]],
    ['a very long strip to what H.264 can hold', [30_000, 800], 720, [16_384, 436]],
  ] as const)('scales %s', (...[, [width, height], shortSide, wanted]) => {
    expect(fitShortSide(shown(width, height), shortSide)).toEqual({
      width: wanted[0],
      height: wanted[1],
    });
  });

  it('never enlarges, keeps the shape and gives even sides, whatever the source', () => {
    const side = integer({ min: 64, max: 8192 });
    const rung = integer({ min: 32, max: 1080 }).map((half) => half * 2);
    assert(
      property(side, side, rung, (width, height, shortSideMax) => {
        const size = fitShortSide(shown(width, height), shortSideMax);
        expect(size.width % 2).toBe(0);
        expect(size.height % 2).toBe(0);
        expect(size.width).toBeLessThanOrEqual(width);
        expect(size.height).toBeLessThanOrEqual(height);
        expect(Math.min(size.width, size.height)).toBeLessThanOrEqual(shortSideMax);
        const scale = size.width / width;
        expect(Math.abs(size.height - height * scale)).toBeLessThanOrEqual(
          1 + 2 * (height / width),
        );
      }),
    );
  });
});

describe('fitLongSide', () => {
  it.each([
    [[1920, 1080], 1280, [1280, 720]],
    [[1080, 1920], 1280, [720, 1280]],
    [[640, 360], 1280, [640, 360]],
    [[853, 481], 1280, [853, 481]],
    [[4000, 1], 1280, [1280, 1]],
  ] as const)('makes a picture of %j with at most %i pixels %j', (source, longSide, wanted) => {
    expect(fitLongSide(shown(source[0], source[1]), longSide)).toEqual({
      width: wanted[0],
      height: wanted[1],
    });
  });
});
