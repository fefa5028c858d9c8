import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Recording, readPieces, toWav } from '../../../src/speech/wav.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

/** 10 ms: every sample is its own number. */
const samples = Int16Array.from({ length: 160 }, (_, index) => index - 80);

async function withFile(bytes: Buffer, use: (path: string) => Promise<void>): Promise<void> {
  await using directory = await createTempDirectory();
  const path = join(directory.path, 'x.wav');
  await writeFile(path, bytes);
  await use(path);
}

describe('a recording', () => {
  test('gives the samples of any stretch', async () => {
    await withFile(toWav(samples), async (path) => {
      await using recording = await Recording.open(path);
      expect(recording.durationMs).toBe(10);
      expect(await recording.read({ startMs: 2, endMs: 5 })).toEqual(samples.slice(32, 80));
    });
  });

  test('gives pieces one behind the other, with silence at the end', async () => {
    await withFile(toWav(samples), async (path) => {
      await using recording = await Recording.open(path);
      const pieces = [
        { startMs: 0, endMs: 1 },
        { startMs: 8, endMs: 10 },
      ];
      const expected = [...samples.slice(0, 16), ...samples.slice(128), ...new Int16Array(16)];
      expect([...(await readPieces(recording, pieces, 1))]).toEqual(expected);
    });
  });

  test('is read past other chunks, and with a size that its writer did not know', async () => {
    const wav = toWav(samples);
    const list = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1');
    const unknown = Buffer.from(wav.subarray(36));
    unknown.writeUInt32LE(0xff_ff_ff_ff, 4);
    await withFile(Buffer.concat([wav.subarray(0, 36), list, unknown]), async (path) => {
      await using recording = await Recording.open(path);
      expect(recording.durationMs).toBe(10);
      expect(await recording.read({ startMs: 0, endMs: 10 })).toEqual(samples);
    });
  });

  test.each<[string, (wav: Buffer) => Buffer]>([
    ['is no WAV file', () => Buffer.from('text')],
    ['has two channels', (wav) => change(wav, (copy) => copy.writeUInt16LE(2, 22))],
    ['has 44.1 kHz', (wav) => change(wav, (copy) => copy.writeUInt32LE(44_100, 24))],
    ['has 8 bits', (wav) => change(wav, (copy) => copy.writeUInt16LE(8, 34))],
    ['ends before its sound', (wav) => wav.subarray(0, 36)],
  ])('is refused when it %s', async (_what, toFile) => {
    await withFile(toFile(toWav(samples)), async (path) => {
      await expect(Recording.open(path)).rejects.toThrow('The recording');
    });
  });
});

function change(wav: Buffer, write: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(wav);
  write(copy);
  return copy;
}
