/** How much there is to see in a picture. */
export interface PictureScore {
  /** Average luma, 0 (black) … 255 (white). */
  readonly brightness: number;
  /** Distance between the dark and the bright parts (5th and 95th percentile of luma), 0 … 255. */
  readonly contrast: number;
}

/** Below these a picture is a black, a faded or an empty one. Seen on fades, titles and night scenes. */
const brightnessMin = 24;
const contrastMin = 32;

/**
 * Scores a small gray version of a picture.
 *
 * @param luma one byte per pixel, full range, in any order; at least one.
 */
export function scorePicture(luma: Uint8Array): PictureScore {
  const sorted = luma.toSorted();
  const percentile = (share: number): number =>
    sorted[Math.round((sorted.length - 1) * share)] ?? 0;
  const sum = luma.reduce((total, value) => total + value, 0);
  return { brightness: sum / luma.length, contrast: percentile(0.95) - percentile(0.05) };
}

/** Whether a picture shows something, so that no better one has to be looked for. */
export function isTelling({ brightness, contrast }: PictureScore): boolean {
  return brightness >= brightnessMin && contrast >= contrastMin;
}

/** Orders pictures: negative when `left` shows more than `right`. */
export function compareScores(left: PictureScore, right: PictureScore): number {
  return right.contrast - left.contrast || right.brightness - left.brightness;
}
