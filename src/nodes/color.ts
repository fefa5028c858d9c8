import type { VideoTrack } from '../graph/media-probe.ts';
import { hdrTransferOf } from './tone-map.ts';

/** How the colors of a video are coded, in ffmpeg's names. */
export interface ColorCoding {
  /** Name of the YCbCr matrix in the scale filter: `bt601`, `bt709`, `bt2020`. */
  readonly scaleMatrix: string;
  /** Values of `-colorspace`, `-color_primaries` and `-color_trc`. */
  readonly space: string;
  readonly primaries: string;
  readonly transfer: string;
}

/** Tallest picture that is taken for standard definition when nothing is tagged (576 lines: PAL). */
const standardDefinitionLinesMax = 576;

const bt709: ColorCoding = {
  scaleMatrix: 'bt709',
  space: 'bt709',
  primaries: 'bt709',
  transfer: 'bt709',
};

const bt601: ColorCoding = {
  scaleMatrix: 'bt601',
  space: 'smpte170m',
  primaries: 'smpte170m',
  transfer: 'smpte170m',
};

/** ffmpeg's names of the matrices and transfers that BT.601 material carries. */
const bt601Names: ReadonlySet<string> = new Set([
  'smpte170m',
  'bt470bg',
  'bt470m',
  'gamma22',
  'gamma28',
]);

/**
 * How the colors of a source are coded. Its tags decide; without tags its size does, as players guess it
 * too.
 */
export function colorCodingOf(video: VideoTrack): ColorCoding {
  const tag = video.colorMatrix ?? video.colorTransfer;
  if (hdrTransferOf(video) !== undefined || tag?.startsWith('bt2020')) {
    const transfer = video.colorTransfer ?? 'bt709';
    return { scaleMatrix: 'bt2020', space: 'bt2020nc', primaries: 'bt2020', transfer };
  }
  if (tag !== undefined && tag !== 'gbr') return bt601Names.has(tag) ? bt601 : bt709;
  const lines = Math.min(video.codedWidth, video.codedHeight);
  return lines <= standardDefinitionLinesMax ? bt601 : bt709;
}

/**
 * What a rendition is coded in and tagged with, so that every player shows the colors of the source. The
 * matrix is kept, not converted, which would go through RGB and cost time and quality; only what is in
 * high dynamic range becomes BT.709.
 */
export function renditionCodingOf(video: VideoTrack): ColorCoding {
  return hdrTransferOf(video) === undefined ? colorCodingOf(video) : bt709;
}

/** The output options that tag a video with its color coding; the range is always the limited one. */
export function colorOptions(color: ColorCoding): readonly string[] {
  return [
    ['-colorspace', color.space],
    ['-color_primaries', color.primaries],
    ['-color_trc', color.transfer],
    ['-color_range', 'tv'],
  ].flat();
}
