import type { FileHandle } from 'node:fs/promises';
import { Mp4BoxReader } from './mp4-box-reader.ts';
import type { Mp4Box } from './mp4-box-reader.ts';

/** What the box structure of an MP4 or MOV file says before any tool reads it. */
export interface Mp4Facts {
  /** Bytes that the file would have with all that its boxes declare, never less than it has. */
  readonly declaredBytes: number;
  /** Share of these that the file does not have, 0…1. */
  readonly missingShare: number;
  /** Whether a track is encrypted (common encryption, ISO/IEC 23001-7). */
  readonly isEncrypted: boolean;
  /** Whether a track of pictures or sound has no unit of time: its time scale is 0 (ISO/IEC 14496-12, 8.4.2). */
  readonly isTimeless: boolean;
}

/**
 * Steps of the walk through one file: a box each, or the end of one that holds others. Films of six hours
 * in fragments of a second have 43 000 boxes; what lies behind the bound is not looked at.
 */
const stepsMax = 50_000;

/** Boxes that lead from the top to the sample descriptions (ISO/IEC 14496-12, 8.1). */
const containers = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

/** Types of sample descriptions that stand for an encrypted track. */
const encryptedTypes = new Set(['encv', 'enca']);

/** Bytes between the header of `stsd` and its first entry: version, flags and count. */
const sampleDescriptionSkip = 8;

/** Bytes of `mdhd` up to its time scale and with it, by its version: its times have 32 or 64 bits. */
const timeScaleEnds = [16, 24];

/** Bytes of `hdlr` up to the type of its track and with it (ISO/IEC 14496-12, 8.4.3). */
const handlerTypeEnd = 12;

/** Tracks whose times count. */
const timedHandlers = new Set(['vide', 'soun']);

/**
 * Walks the boxes of a file, by their headers but for two small ones, {@link stepsMax} steps at most.
 * Damage ends the walk; it is not an error here.
 */
export async function inspectMp4(file: FileHandle, bytes: number): Promise<Mp4Facts> {
  const reader = new Mp4BoxReader(file);
  let declaredEnd = bytes;
  let isEncrypted = false;
  let isTimeless = false;
  // Of the track at hand: its media header comes before its handler.
  let hasNoScale = false;
  const ranges: { at: number; end: number; isTop: boolean }[] = [
    { at: 0, end: bytes, isTop: true },
  ];
  for (let step = 0; step < stepsMax; step += 1) {
    const range = ranges.at(-1);
    if (range === undefined) break;
    const box = range.at < range.end ? await reader.read(range.at, range.end) : undefined;
    if (box === undefined) {
      ranges.pop();
      continue;
    }
    range.at = box.end;
    if (range.isTop) declaredEnd = Math.max(declaredEnd, box.end);
    const end = Math.min(box.end, range.end);
    if (encryptedTypes.has(box.type) && !range.isTop) isEncrypted = true;
    if (containers.has(box.type)) ranges.push({ at: box.start, end, isTop: false });
    if (box.type === 'stsd') {
      ranges.push({ at: box.start + sampleDescriptionSkip, end, isTop: false });
    }
    if (box.type === 'mdhd') hasNoScale = (await readTimeScale(reader, box)) === 0;
    if (box.type === 'hdlr' && hasNoScale) isTimeless ||= await isTimed(reader, box);
  }
  const missingShare = 1 - bytes / declaredEnd;
  return { declaredBytes: declaredEnd, missingShare, isEncrypted, isTimeless };
}

/** Units of a track's time in a second; undefined where the box is too short or of another version. */
async function readTimeScale(
  reader: Mp4BoxReader,
  { start, end }: Mp4Box,
): Promise<number | undefined> {
  const [version] = await reader.bytesAt(start, 1);
  const scaleEnd = version === undefined ? undefined : timeScaleEnds[version];
  if (scaleEnd === undefined || start + scaleEnd > end) return undefined;
  const scale = await reader.bytesAt(start + scaleEnd - 4, 4);
  return scale.length < 4 ? undefined : scale.readUInt32BE(0);
}

async function isTimed(reader: Mp4BoxReader, { start, end }: Mp4Box): Promise<boolean> {
  if (start + handlerTypeEnd > end) return false;
  const type = await reader.bytesAt(start + handlerTypeEnd - 4, 4);
  return timedHandlers.has(type.toString('latin1'));
}
