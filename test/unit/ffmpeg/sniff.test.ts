import { describe, expect, test } from 'vitest';
import { sniff } from '../../../src/ffmpeg/sniff.ts';

function bytes(...parts: readonly (string | readonly number[])[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
    ),
  );
}

describe('the first bytes', () => {
  test.each([
    '#EXTM3U\n#EXTINF:1,\n/etc/passwd',
    'ffconcat version 1.0\nfile x',
    '<?xml version="1.0"?><MPD>',
    '<MPD xmlns="urn:mpeg">',
    '<svg xmlns="">',
    'v=0\r\no=- 0 0 IN IP4 127.0.0.1',
    '\u00EF\u00BB\u00BF#EXTM3U',
    '\n  <!DOCTYPE html>',
  ])('of a text that names other files are told: %j', (text) => {
    expect(sniff(bytes(text))).toBe('text');
  });

  test.each(['ftyp', 'moov', 'mdat', 'wide', 'free'])('of an MP4 may be a %s box', (type) => {
    expect(sniff(bytes([0, 0, 0, 8], type))).toBe('mp4');
  });

  test.each([
    ['Matroska', bytes([0x1a, 0x45, 0xdf, 0xa3])],
    ['AVI', bytes('RIFF')],
    ['FLV', bytes('FLV', [1])],
    ['ASF', bytes([0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11])],
    ['MP3', bytes('ID3')],
    ['MPEG-PS', bytes([0, 0, 1, 0xba])],
    ['MPEG-TS', bytes('G', Array<number>(187).fill(7), 'G')],
    ['MPEG-TS of a camera', bytes([0, 0, 0, 0], 'G', Array<number>(191).fill(7), 'G')],
  ])('of %s are known', (_name, head) => {
    expect(sniff(head)).toBe('media');
  });

  test.each([bytes(''), bytes('G'), bytes('hello'), bytes([0x89], 'PNG\r\n')])(
    'of anything else are not: %j',
    (head) => {
      expect(sniff(head)).toBe('unknown');
    },
  );
});
