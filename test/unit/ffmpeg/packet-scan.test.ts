import { describe, expect, test } from 'vitest';
import { PacketSpans } from '../../../src/ffmpeg/packet-scan.ts';

function durationsOf(...lines: readonly string[]): Record<number, number> {
  const spans = new PacketSpans();
  for (const line of lines) spans.takeLine(line);
  return Object.fromEntries(spans.durations());
}

describe('scanned packets', () => {
  test('give each stream the time from its first start to its last end', () => {
    expect(
      durationsOf(
        '1,0.500000,0.500000,0.020000',
        '0,0.540000,0.500000,0.040000',
        '0,2.460000,2.420000,0.040000',
        '0,2.420000,2.460000,0.040000,',
        '1,1.500000,1.500000,0.500000',
      ),
    ).toEqual({ 0: expect.closeTo(1.96), 1: 1.5 });
  });

  test('without a presentation time count by their decoding time', () => {
    expect(durationsOf('0,N/A,1.0,N/A', '0,N/A,3.0,0.5')).toEqual({ 0: 2.5 });
  });

  test('without any time, and lines of something else, do not count', () => {
    expect(durationsOf('0,N/A,N/A,0.04', '', 'x,1,1,1', 'side data')).toEqual({});
  });
});
