import type { Size } from './geometry.ts';

/**
 * Levels from 3 on: name, most macroblocks per second, most macroblocks per frame (MaxMBPS and MaxFS
 * of ITU-T H.264 table A-1). Level 4.1 has the same two as 4.
 */
const levels = [
  ['3.0', 40_500, 1620],
  ['3.1', 108_000, 3600],
  ['3.2', 216_000, 5120],
  ['4.0', 245_760, 8192],
  ['4.2', 522_240, 8704],
  ['5.0', 589_824, 22_080],
  ['5.1', 983_040, 36_864],
  ['5.2', 2_073_600, 36_864],
  ['6.0', 4_177_920, 139_264],
  ['6.1', 8_355_840, 139_264],
] as const;

/**
 * The lowest H.264 level that holds a video, never below 3. It is stated rather than left to the
 * encoder, because older builds take the time base for the frame rate and write level 6.2, which
 * phones and television sets refuse; x264 also keeps its reference frames within a stated level.
 */
export function h264Level(size: Size, framesPerSecond: number): string {
  const columns = Math.ceil(size.width / 16);
  const rows = Math.ceil(size.height / 16);
  const level = levels.find(
    ([, perSecondMax, perFrameMax]) =>
      columns * rows <= perFrameMax &&
      columns * rows * framesPerSecond <= perSecondMax &&
      // Section A.3.1: no side is longer than the square root of eight times MaxFS.
      Math.max(columns, rows) ** 2 <= 8 * perFrameMax,
  );
  return level === undefined ? '6.2' : level[0];
}
