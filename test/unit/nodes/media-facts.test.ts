import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMediaFacts } from '../../../src/nodes/media-facts.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}

function box(type: string, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(8 + body.length), Buffer.from(type), body]);
}

/** The same with its size in 64 bits. */
function largeBox(type: string, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(1), Buffer.from(type), u32(0, 16 + body.length), body]);
}

function trackHeader(duration: number, width: number, height: number): Buffer {
  return box(
    'tkhd',
    u32(7, 0, 0, 1, 0, duration),
    Buffer.alloc(52),
    u32(width << 16, height << 16),
  );
}

function handler(type: string): Buffer {
  return box('mdia', box('hdlr', u32(0, 0), Buffer.from(type), Buffer.alloc(12)));
}

const movieHeader = box('mvhd', u32(0, 0, 0, 1000, 12_000), Buffer.alloc(80));
const sound = box('trak', trackHeader(9000, 0, 0), handler('soun'));
const picture = box('trak', trackHeader(10_500, 1280, 720), handler('vide'));

async function factsOf(content: Buffer, mediaType: string): ReturnType<typeof readMediaFacts> {
  await using directory = await createTempDirectory();
  const path = join(directory.path, 'file');
  await writeFile(path, content);
  return await readMediaFacts(path, mediaType);
}

describe('readMediaFacts', () => {
  it('reads size and length of the video of an MP4 file, wherever its header lies', async () => {
    const moov = box('moov', movieHeader, sound, picture);
    const wanted = { width: 1280, height: 720, durationSec: 10.5 };
    expect(await factsOf(Buffer.concat([box('ftyp'), moov]), 'video/mp4')).toEqual(wanted);
    const late = Buffer.concat([largeBox('mdat', Buffer.alloc(100)), moov]);
    expect(await factsOf(late, 'video/mp4')).toEqual(wanted);
  });

  it('reads the length of sound', async () => {
    const file = box('moov', movieHeader, sound);
    expect(await factsOf(file, 'audio/mp4')).toEqual({ durationSec: 9 });
  });

  it('reads the size of a JPEG picture', async () => {
    const file = Buffer.from('ffd8ffe000044a46ffc0000b0802d005000301', 'hex');
    expect(await factsOf(file, 'image/jpeg')).toEqual({ width: 1280, height: 720 });
  });

  it('knows nothing of other files, nor of broken ones', async () => {
    expect(await factsOf(Buffer.from('WEBVTT'), 'text/vtt')).toEqual({});
    for (const type of ['video/mp4', 'image/jpeg']) {
      expect(await factsOf(Buffer.from('no such thing'), type)).toEqual({});
      expect(await factsOf(Buffer.alloc(0), type)).toEqual({});
    }
  });
});
