import { findTextFormat } from '../storage/text-format.ts';

/** Bytes at the start of a file that {@link sniff} looks at. */
export const sniffBytes = 512;

/** What the first bytes of a file look like; the demuxer list is the guard, this only words errors. */
export type Sniffed =
  /** Text: playlists, scripts, pages, drawings. Never given to a tool. */
  | 'text'
  /** Boxes of the ISO base media format: MP4, MOV, M4A, 3GP. */
  | 'mp4'
  /** Another container that the service reads. */
  | 'media'
  | 'unknown';

/** Types of the boxes that such a file may start with (ISO/IEC 14496-12 and QuickTime). */
const firstBoxes = new Set([
  'ftyp',
  'moov',
  'mdat',
  'free',
  'skip',
  'wide',
  'pnot',
  'styp',
  'moof',
  'sidx',
]);

/** First bytes of the other containers, as hexadecimal digits. */
const mediaOpenings: readonly RegExp[] = [
  /^1a45dfa3/, // Matroska, WebM
  /^(52494646|52463634)/, // RIFF, RF64: AVI, WAV
  /^464c5601/, // FLV
  /^3026b2758e66cf11/, // ASF: WMV, WMA
  /^4f676753/, // Ogg
  /^664c6143/, // FLAC
  /^494433/, // MP3 with an ID3 tag
  /^ff[ef]/, // MPEG audio, ADTS
  /^0b77/, // AC-3
  /^464f524d/, // AIFF
  /^63616666/, // CAF
  /^2321414d52/, // AMR
  /^000001b[a3]/, // MPEG program stream
  /^47.{374}47/, // MPEG transport stream, packets of 188 bytes
  /^.{8}47.{382}47/, // the same as cameras record it, packets of 192 bytes
  /^474946383[79]61/, // GIF
  /^060e2b34/, // MXF
];

/** Looks at the first {@link sniffBytes} bytes of a file (or at all of a shorter one). */
export function sniff(head: Buffer): Sniffed {
  if (findTextFormat(head) !== undefined) return 'text';
  if (firstBoxes.has(head.toString('latin1', 4, 8))) return 'mp4';
  const digits = head.toString('hex');
  return mediaOpenings.some((opening) => opening.test(digits)) ? 'media' : 'unknown';
}
