import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Stretch } from './stretch.ts';

/** Samples per millisecond: everything here is 16 kHz. */
const samplesPerMs = 16;

const bytesPerSample = 2;

/** Bytes of sound per millisecond. */
const bytesPerMs = samplesPerMs * bytesPerSample;

/** Chunks looked at before the sound: real files have one or two, a hostile one may have millions. */
const chunksMax = 100;

/** The WAV files that are read: PCM (format tag 1), mono, 16 kHz, 16 bit. */
const expectedFormat = { tag: 1, channels: 1, samplesPerSecond: 16_000, bitsPerSample: 16 };

/** A recording on disk: 16 kHz, mono, signed 16-bit little-endian. Closed by whoever opened it. */
export class Recording implements AsyncDisposable {
  readonly durationMs: number;
  readonly #file: FileHandle;
  readonly #dataOffset: number;

  /**
   * Opens a WAV file.
   *
   * @throws Error when it can't be read or holds another kind of sound.
   */
  static async open(path: string): Promise<Recording> {
    const file = await open(path, 'r');
    try {
      const { offset, bytes } = await findData(file);
      return new Recording(file, offset, Math.floor(bytes / bytesPerMs));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private constructor(file: FileHandle, dataOffset: number, durationMs: number) {
    this.#file = file;
    this.#dataOffset = dataOffset;
    this.durationMs = durationMs;
  }

  /** The samples of a stretch; 16 per millisecond. A file that has become shorter gives zeros. */
  async read(stretch: Stretch): Promise<Int16Array<ArrayBuffer>> {
    const samples = new Int16Array((stretch.endMs - stretch.startMs) * samplesPerMs);
    const position = this.#dataOffset + stretch.startMs * bytesPerMs;
    await this.#file.read(new Uint8Array(samples.buffer), { position });
    return samples;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/** Pieces of a recording one behind the other, with silence at the end. */
export async function readPieces(
  recording: Recording,
  pieces: readonly Stretch[],
  tailMs: number,
): Promise<Int16Array<ArrayBuffer>> {
  const lengthMs = pieces.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, tailMs);
  const samples = new Int16Array(lengthMs * samplesPerMs);
  let offset = 0;
  for (const piece of pieces) {
    const part = await recording.read(piece);
    samples.set(part, offset);
    offset += part.length;
  }
  return samples;
}

/** A WAV file of samples. */
export function toWav(samples: Int16Array): Buffer {
  const bytes = samples.length * bytesPerSample;
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + bytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(expectedFormat.tag, 20);
  header.writeUInt16LE(expectedFormat.channels, 22);
  header.writeUInt32LE(expectedFormat.samplesPerSecond, 24);
  header.writeUInt32LE(expectedFormat.samplesPerSecond * bytesPerSample, 28);
  header.writeUInt16LE(bytesPerSample, 32);
  header.writeUInt16LE(expectedFormat.bitsPerSample, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(bytes, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, bytes)]);
}

/** Finds the sound of a RIFF file (the "WAVE" form of Microsoft's and IBM's specification of 1991). */
async function findData(file: FileHandle): Promise<{ offset: number; bytes: number }> {
  const { size } = await file.stat();
  const riff = await readAt(file, 0, 12);
  if (riff.toString('latin1', 0, 4) !== 'RIFF' || riff.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error('The recording is not a WAV file.');
  }
  let offset = 12;
  let isExpected = false;
  for (let count = 0; count < chunksMax && offset + 8 <= size; count += 1) {
    const head = await readAt(file, offset, 8);
    const name = head.toString('latin1', 0, 4);
    const bytes = head.readUInt32LE(4);
    if (name === 'fmt ') isExpected = isExpectedFormat(await readAt(file, offset + 8, 16));
    if (name === 'data') {
      if (!isExpected) throw new Error('The recording is not 16 kHz, mono, 16 bit.');
      // A writer that could not seek back leaves a size that is too large.
      return { offset: offset + 8, bytes: Math.min(bytes, size - offset - 8) };
    }
    // Chunks start at even offsets.
    offset += 8 + bytes + (bytes % 2);
  }
  throw new Error('The recording holds no sound.');
}

function isExpectedFormat(format: Buffer): boolean {
  return (
    format.readUInt16LE(0) === expectedFormat.tag &&
    format.readUInt16LE(2) === expectedFormat.channels &&
    format.readUInt32LE(4) === expectedFormat.samplesPerSecond &&
    format.readUInt16LE(14) === expectedFormat.bitsPerSample
  );
}

/** Bytes of a file; what lies behind its end is zero. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await file.read(buffer, 0, length, position);
  return buffer;
}
