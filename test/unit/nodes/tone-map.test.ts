import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  hdrTransferOf,
  toneMap,
  toneMapFilters,
  toneMapName,
  writeToneMap,
} from '../../../src/nodes/tone-map.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { videoTrack } from './sample-media.ts';

/** PQ codes of 0, 203 and 10 000 cd/m² (ITU-R BT.2408, table 1). */
const pq = { black: 0, white: 0.5807, brightest: 1 } as const;
/** HLG codes of the same: 75 % is the white of BT.2408. */
const hlg = { black: 0, white: 0.75, brightest: 1 } as const;

describe('toneMap', () => {
  it.each([
    ['smpte2084', pq],
    ['arib-std-b67', hlg],
  ] as const)(
    'keeps black, shows white as a light gray, and the brightest as white: %s',
    (transfer, codes) => {
      const gray = (code: number): number => toneMap([code, code, code], transfer)[0];
      expect(gray(codes.black)).toBe(0);
      expect(gray(codes.white)).toBeGreaterThan(0.8);
      expect(gray(codes.white)).toBeLessThan(0.9);
      expect(gray(codes.brightest)).toBeGreaterThan(0.95);
      expect(gray(codes.brightest)).toBeLessThanOrEqual(1);
    },
  );

  it('keeps gray gray, and grows with the code', () => {
    for (const transfer of ['smpte2084', 'arib-std-b67'] as const) {
      let last = -1;
      for (let code = 0; code <= 1; code += 1 / 64) {
        const [red, green, blue] = toneMap([code, code, code], transfer);
        expect(Math.max(red, green, blue) - Math.min(red, green, blue)).toBeLessThan(0.01);
        expect(green).toBeGreaterThan(last);
        last = green;
      }
    }
  });

  it('keeps what is darker than a face as it would be in standard range', () => {
    // 40.6 cd/m² in PQ: a fifth of white, which is 0.2^(1/2.4) on a screen.
    const [red] = toneMap([0.4191, 0.4191, 0.4191], 'smpte2084');
    expect(red).toBeCloseTo(0.2 ** (1 / 2.4), 2);
  });

  it('keeps hues: a red of BT.709 stays one', () => {
    // Red of BT.709 at 203 cd/m² of white, in the primaries of BT.2020 and PQ.
    const [red, green, blue] = toneMap([0.5309, 0.3067, 0.1873], 'smpte2084');
    expect(red).toBeGreaterThan(0.75);
    expect(green).toBeLessThan(0.15);
    expect(blue).toBeLessThan(0.15);
  });
});

describe('writeToneMap', () => {
  it('writes a table that the filters name, red fastest, for films in high dynamic range', async () => {
    await using directory = await createTempDirectory();
    await writeToneMap(videoTrack({ colorTransfer: 'smpte2084' }), directory.path);
    const lines = (await readFile(join(directory.path, toneMapName), 'utf8')).trimEnd().split('\n');
    expect(lines[0]).toBe('LUT_3D_SIZE 33');
    expect(lines).toHaveLength(1 + 33 ** 3);
    const second = toneMap([1 / 32, 0, 0], 'smpte2084').map((code) => code.toFixed(6));
    expect(lines[2]).toBe(second.join(' '));
    expect(toneMapFilters.join(',')).toContain(`file=${toneMapName}`);
  });

  it('writes nothing for any other film', async () => {
    await using directory = await createTempDirectory();
    const video = videoTrack({ colorTransfer: 'bt709' });
    expect(hdrTransferOf(video)).toBeUndefined();
    await writeToneMap(video, directory.path);
    await expect(readFile(join(directory.path, toneMapName))).rejects.toThrow('ENOENT');
  });
});
