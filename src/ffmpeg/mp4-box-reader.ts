import type { FileHandle } from 'node:fs/promises';

/** A box of an MP4 or MOV file (ISO/IEC 14496-12, 4.2): where its content lies. */
export interface Mp4Box {
  /** Four characters, e.g. `moov`. */
  readonly type: string;
  /** First byte of its content. */
  readonly start: number;
  /** First byte behind it as it says itself, which may lie beyond its parent and beyond the file. */
  readonly end: number;
}

/** Bytes of a box header: size and type, and with a size of 64 bits. */
const shortHeaderBytes = 8;
const longHeaderBytes = 16;

/** Bytes read at once: boxes of a few bytes each must not cost a read each. */
const blockBytes = 32 * 1024;

/** Reads box headers, and what little else is asked for, of a file that stays open meanwhile and is not closed here; keeps one block. */
export class Mp4BoxReader {
  readonly #file: FileHandle;
  readonly #block = Buffer.alloc(blockBytes);
  #blockAt = 0;
  #blockEnd = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * The box at a place; undefined when there is no whole header or an impossible size.
   *
   * @param endlessEnd where a box ends that declares no size (a size of 0): with what holds it.
   */
  async read(at: number, endlessEnd: number): Promise<Mp4Box | undefined> {
    const header = await this.bytesAt(at, longHeaderBytes);
    if (header.length < shortHeaderBytes) return undefined;
    const type = header.toString('latin1', 4, 8);
    const size = header.readUInt32BE(0);
    if (size === 0) return { type, start: at + shortHeaderBytes, end: endlessEnd };
    if (size !== 1) {
      const isPossible = size >= shortHeaderBytes;
      return isPossible ? { type, start: at + shortHeaderBytes, end: at + size } : undefined;
    }
    if (header.length < longHeaderBytes) return undefined;
    const longSize = Number(header.readBigUInt64BE(8));
    const isPossible = longSize >= longHeaderBytes;
    return isPossible ? { type, start: at + longHeaderBytes, end: at + longSize } : undefined;
  }

  /** So many bytes, at most a block; fewer at the end of the file. They are good until the next call. */
  async bytesAt(at: number, count: number): Promise<Buffer> {
    if (at < this.#blockAt || at + count > this.#blockEnd) {
      const { bytesRead } = await this.#file.read(this.#block, 0, blockBytes, at);
      this.#blockAt = at;
      this.#blockEnd = at + bytesRead;
    }
    const from = at - this.#blockAt;
    const to = Math.min(from + count, this.#blockEnd - this.#blockAt);
    return this.#block.subarray(from, to);
  }
}

/** Most boxes that are listed of one level; a real file has a dozen. */
const listedBoxesMax = 1000;

/** The boxes between two places of a file, in order; damage ends the list. */
export async function readMp4Boxes(
  file: FileHandle,
  start: number,
  end: number,
): Promise<readonly Mp4Box[]> {
  const reader = new Mp4BoxReader(file);
  const boxes: Mp4Box[] = [];
  let at = start;
  while (at < end && boxes.length < listedBoxesMax) {
    const box = await reader.read(at, end);
    if (box === undefined) break;
    boxes.push(box);
    at = box.end;
  }
  return boxes;
}
