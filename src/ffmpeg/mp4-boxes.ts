import type { FileHandle } from 'node:fs/promises';

/** What the box structure of an MP4 or MOV file says before any tool reads it. */
export interface Mp4Facts {
  /** Bytes that the file would have with all that its boxes declare, never less than it has. */
  readonly declaredBytes: number;
  /** Share of these that the file does not have, 0…1. */
  readonly missingShare: number;
  /** Whether a track is encrypted (common encryption, ISO/IEC 23001-7). */
  readonly isEncrypted: boolean;
}

/** Boxes looked at in one file; fragmented films of four hours have a few ten thousand. */
const boxesMax = 100_000;

/** Boxes that lead from the top to the sample descriptions (ISO/IEC 14496-12, 8.1). */
const containers = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

/** Types of sample descriptions that stand for an encrypted track. */
const encryptedTypes = new Set(['encv', 'enca']);

/** Bytes of a box header with a 64-bit size. */
const headerBytes = 16;

/** Bytes between the header of `stsd` and its first entry: version, flags and count. */
const sampleDescriptionSkip = 8;

interface Box {
  readonly type: string;
  /** Where its content starts and where it says that it ends. */
  readonly contentAt: number;
  readonly endAt: number;
}

/** Walks the boxes of a file by their headers alone. Damage ends the walk; it is not an error here. */
export async function inspectMp4(file: FileHandle, bytes: number): Promise<Mp4Facts> {
  let declaredEnd = bytes;
  let isEncrypted = false;
  const ranges: { at: number; end: number; isTop: boolean }[] = [
    { at: 0, end: bytes, isTop: true },
  ];
  for (let count = 0; count < boxesMax; count += 1) {
    const range = ranges.at(-1);
    if (range === undefined) break;
    const box = range.at < range.end ? await readBox(file, range.at, bytes) : undefined;
    if (box === undefined) {
      ranges.pop();
      continue;
    }
    range.at = box.endAt;
    if (range.isTop) declaredEnd = Math.max(declaredEnd, box.endAt);
    const end = Math.min(box.endAt, range.end);
    if (encryptedTypes.has(box.type) && !range.isTop) isEncrypted = true;
    if (containers.has(box.type)) ranges.push({ at: box.contentAt, end, isTop: false });
    if (box.type === 'stsd') {
      ranges.push({ at: box.contentAt + sampleDescriptionSkip, end, isTop: false });
    }
  }
  return { declaredBytes: declaredEnd, missingShare: 1 - bytes / declaredEnd, isEncrypted };
}

async function readBox(file: FileHandle, at: number, fileBytes: number): Promise<Box | undefined> {
  const header = Buffer.alloc(headerBytes);
  const { bytesRead } = await file.read(header, 0, headerBytes, at);
  if (bytesRead < 8) return undefined;
  const type = header.toString('latin1', 4, 8);
  const size = header.readUInt32BE(0);
  // Zero: up to the end of the file. One: a 64-bit size follows.
  if (size === 0) return { type, contentAt: at + 8, endAt: fileBytes };
  if (size === 1) {
    if (bytesRead < headerBytes) return undefined;
    const largeSize = Number(header.readBigUInt64BE(8));
    return largeSize < headerBytes
      ? undefined
      : { type, contentAt: at + headerBytes, endAt: at + largeSize };
  }
  return size < 8 ? undefined : { type, contentAt: at + 8, endAt: at + size };
}
