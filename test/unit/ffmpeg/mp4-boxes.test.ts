import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { inspectMp4 } from '../../../src/ffmpeg/mp4-boxes.ts';
import type { Mp4Facts } from '../../../src/ffmpeg/mp4-boxes.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

function box(type: string, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

function movie(sampleType: string): Buffer {
  const entries = Buffer.concat([Buffer.alloc(8), box(sampleType, Buffer.alloc(20))]);
  const table = box('stbl', box('stsd', entries), box('stts', Buffer.alloc(8)));
  return box('moov', box('mvhd', Buffer.alloc(4)), box('trak', box('mdia', box('minf', table))));
}

async function inspect(content: Buffer): Promise<Mp4Facts> {
  return (await inspectAndCount(content)).facts;
}

async function inspectAndCount(content: Buffer): Promise<{ facts: Mp4Facts; reads: number }> {
  await using directory = await createTempDirectory();
  const path = join(directory.path, 'film');
  await writeFile(path, content);
  await using file = await open(path);
  const read = vi.spyOn(file, 'read');
  const facts = await inspectMp4(file, content.length);
  return { facts, reads: read.mock.calls.length };
}

/** Boxes of eight bytes each: the smallest there are. */
function smallBoxes(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => box('free')));
}

const media = box('mdat', Buffer.alloc(1000));
const start = box('ftyp', Buffer.from('isom'));

describe('the boxes of an MP4', () => {
  test('of a whole film miss nothing', async () => {
    const film = Buffer.concat([start, movie('avc1'), media]);
    const facts = {
      declaredBytes: film.length,
      missingShare: 0,
      isEncrypted: false,
      isTimeless: false,
    };
    expect(await inspect(film)).toEqual(facts);
  });

  test('tell which share of the bytes is missing', async () => {
    const whole = Buffer.concat([start, movie('avc1'), media]);
    const facts = await inspect(whole.subarray(0, whole.length / 4));
    expect(facts.missingShare).toBeCloseTo(0.75, 2);
  });

  test.each(['encv', 'enca'])('with a %s sample description are encrypted', async (type) => {
    const facts = await inspect(Buffer.concat([start, media, movie(type)]));
    expect(facts.isEncrypted).toBe(true);
  });

  test.each([
    { version: 0, handler: 'vide', scale: 0, isTimeless: true },
    { version: 1, handler: 'soun', scale: 0, isTimeless: true },
    { version: 0, handler: 'soun', scale: 48_000, isTimeless: false },
    { version: 1, handler: 'vide', scale: 1, isTimeless: false },
    { version: 0, handler: 'tmcd', scale: 0, isTimeless: false },
    { version: 2, handler: 'vide', scale: 0, isTimeless: false },
  ])(
    'of version $version with a time scale of $scale for $handler: without time is $isTimeless',
    async ({ version, handler, scale, isTimeless }) => {
      const header = Buffer.alloc(32, 0xff);
      header.writeUInt8(version);
      header.writeUInt32BE(scale, version === 0 ? 12 : 20);
      const type = Buffer.concat([Buffer.alloc(8), Buffer.from(handler), Buffer.alloc(12)]);
      const track = box('trak', box('mdia', box('mdhd', header), box('hdlr', type)));
      const whole = await inspect(Buffer.concat([start, box('moov', track), media]));
      expect(whole.isTimeless).toBe(isTimeless);
    },
  );

  test('without a whole media header are not without time', async () => {
    const track = box('trak', box('mdia', box('mdhd', Buffer.alloc(8)), box('hdlr')));
    const facts = await inspect(Buffer.concat([start, box('moov', track), media]));
    expect(facts.isTimeless).toBe(false);
  });

  test('may have a 64-bit size, or end with the file', async () => {
    const large = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from('mdat'), Buffer.alloc(8)]);
    large.writeBigUInt64BE(BigInt(16 + 100), 8);
    const endless = Buffer.concat([Buffer.alloc(4), Buffer.from('mdat'), Buffer.alloc(50)]);
    const facts = await inspect(Buffer.concat([start, large, Buffer.alloc(100), endless]));
    expect(facts.missingShare).toBe(0);
  });

  test('may be tiny and many without costing a read each', async () => {
    const { facts, reads } = await inspectAndCount(Buffer.concat([start, smallBoxes(100_000)]));
    expect(facts).toMatchObject({ missingShare: 0, isEncrypted: false });
    expect(reads).toBeLessThan(30);
  });

  test('are found wherever a block of the file ends', async () => {
    for (const count of [4093, 4094, 4095, 4096]) {
      const film = Buffer.concat([start, smallBoxes(count), media, movie('encv')]);
      expect(await inspect(film)).toMatchObject({ isEncrypted: true, missingShare: 0 });
      const half = await inspect(film.subarray(0, 12 + 8 * count + 8));
      expect(half.declaredBytes).toBe(12 + 8 * count + media.length);
    }
  });

  test.each([
    ['no size', Buffer.concat([start, Buffer.from([0, 0, 0, 3]), Buffer.from('junk')])],
    ['a 64-bit size of nothing', Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.alloc(12)])],
    ['a size beyond its parent', box('moov', Buffer.from([0x7f, 0, 0, 0]), Buffer.from('trak'))],
    ['no whole header', Buffer.from('abc')],
  ])('with %s end the walk', async (_name, content) => {
    expect((await inspect(content)).isEncrypted).toBe(false);
  });
});
