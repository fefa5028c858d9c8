import { open } from 'node:fs/promises';

/** Bytes before the samples of a WAV file as `extract-audio` writes it. */
const headerBytes = 44;

/** Bytes looked at together: a second at 16 kHz in 16 bits. */
const blockBytes = 2 * 16_000;

/**
 * RMS below which a second of sound counts as silence, 0…1: −50 dB. Room noise is at −60 dB, somebody who
 * speaks softly at −40 dB.
 */
const silenceMax = 10 ** (-50 / 20);

/**
 * Whether no second of a recording is louder than a quiet room. Reads to the first one that is, which
 * is near the beginning of most.
 *
 * @param path a WAV file of 16 kHz in mono, 16 bits, with a header of 44 bytes.
 */
export async function isSilent(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const block = Buffer.alloc(blockBytes);
  for (let at = headerBytes; ; at += blockBytes) {
    const { bytesRead } = await file.read(block, 0, blockBytes, at);
    if (bytesRead < 2) return true;
    if (levelOf(block.subarray(0, bytesRead)) > silenceMax) return false;
  }
}

/** Root of the mean square of signed 16-bit samples, 0…1. */
function levelOf(bytes: Buffer): number {
  const count = bytes.length >> 1;
  let sum = 0;
  for (let index = 0; index < count; index += 1) sum += bytes.readInt16LE(2 * index) ** 2;
  return Math.sqrt(sum / count) / 32_768;
}
