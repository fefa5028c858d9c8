import { describe, expect, it } from 'vitest';
import { colorCodingOf, colorOptions, renditionCodingOf } from '../../../src/nodes/color.ts';
import type { VideoTrack } from '../../../src/graph/media-probe.ts';
import { videoTrack } from './sample-media.ts';

function untagged(changes: Partial<VideoTrack>): VideoTrack {
  const { colorTransfer: _dropped, ...track } = videoTrack(changes);
  return track;
}

describe('colorCodingOf', () => {
  it('believes the tags of the source', () => {
    expect(colorCodingOf(videoTrack({ colorTransfer: 'bt709' })).space).toBe('bt709');
    expect(colorCodingOf(videoTrack({ colorTransfer: 'smpte170m' })).space).toBe('smpte170m');
    expect(colorCodingOf(videoTrack({ colorMatrix: 'bt470bg' })).scaleMatrix).toBe('bt601');
  });

  it('takes the matrix before the transfer when both are tagged', () => {
    const phone = videoTrack({ colorMatrix: 'bt470bg', colorTransfer: 'bt709' });
    expect(colorCodingOf(phone).space).toBe('smpte170m');
  });

  it('guesses by size without tags, as players do', () => {
    expect(colorCodingOf(untagged({ codedWidth: 1280, codedHeight: 720 })).space).toBe('bt709');
    expect(colorCodingOf(untagged({ codedWidth: 720, codedHeight: 576 })).space).toBe('smpte170m');
    expect(colorCodingOf(untagged({ codedWidth: 360, codedHeight: 640 })).space).toBe('smpte170m');
  });

  it('guesses by size for RGB, which has no matrix to keep', () => {
    expect(colorCodingOf(untagged({ colorMatrix: 'gbr' })).space).toBe('bt709');
  });

  it('knows wide color and high dynamic range as what they are', () => {
    expect(colorCodingOf(videoTrack({ colorTransfer: 'smpte2084' }))).toEqual({
      scaleMatrix: 'bt2020',
      space: 'bt2020nc',
      primaries: 'bt2020',
      transfer: 'smpte2084',
    });
    const wide = videoTrack({ colorMatrix: 'bt2020nc', colorTransfer: 'bt709' });
    expect(colorCodingOf(wide)).toMatchObject({ space: 'bt2020nc', transfer: 'bt709' });
  });
});

describe('renditionCodingOf', () => {
  it('keeps how the source is coded', () => {
    for (const colorMatrix of ['bt709', 'smpte170m', 'bt2020nc']) {
      const video = videoTrack({ colorMatrix });
      expect(renditionCodingOf(video)).toEqual(colorCodingOf(video));
    }
  });

  it('is BT.709 for high dynamic range, which is mapped', () => {
    for (const colorTransfer of ['smpte2084', 'arib-std-b67']) {
      expect(renditionCodingOf(videoTrack({ colorTransfer })).space).toBe('bt709');
    }
  });
});

describe('colorOptions', () => {
  it('tags matrix, primaries, transfer and range', () => {
    expect(colorOptions(colorCodingOf(videoTrack()))).toEqual([
      '-colorspace',
      'bt709',
      '-color_primaries',
      'bt709',
      '-color_trc',
      'bt709',
      '-color_range',
      'tv',
    ]);
  });
});
