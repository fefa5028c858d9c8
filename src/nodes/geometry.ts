import type { VideoTrack } from '../graph/media-probe.ts';

/** The size of a picture in square pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Longest side of an encoded video in pixels: the side limit of H.264 level 6 (8 × MaxFS macroblocks
 * squared, ITU-T H.264 table A-1), rounded down to a whole power of two.
 */
const encodedSideMax = 16_384;

/**
 * The size of a rendition: the short side as long as `shortSideMax` at most, the shape kept, nothing
 * enlarged. Both sides are even, as 4:2:0 needs them, and at least 2.
 */
export function fitShortSide(video: VideoTrack, shortSideMax: number): Size {
  const { displayWidth, displayHeight } = video;
  const scale = Math.min(
    1,
    shortSideMax / Math.min(displayWidth, displayHeight),
    encodedSideMax / Math.max(displayWidth, displayHeight),
  );
  return { width: evenSide(displayWidth, scale), height: evenSide(displayHeight, scale) };
}

/** The nearest even length that does not exceed the side itself. */
function evenSide(side: number, scale: number): number {
  const nearest = 2 * Math.round((side * scale) / 2);
  const largest = 2 * Math.floor(side / 2);
  return Math.max(2, Math.min(nearest, largest));
}

/** The size of a still picture: the long side at most `longSideMax`, the shape kept, nothing enlarged. */
export function fitLongSide(video: VideoTrack, longSideMax: number): Size {
  const { displayWidth, displayHeight } = video;
  const scale = Math.min(1, longSideMax / Math.max(displayWidth, displayHeight));
  return {
    width: Math.max(1, Math.round(displayWidth * scale)),
    height: Math.max(1, Math.round(displayHeight * scale)),
  };
}
