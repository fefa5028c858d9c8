import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { thumbnail } from '../../../src/nodes/thumbnail.ts';
import type { ClipName } from '../../support/media.ts';
import { brightnessOf, describeKind, quartersOf } from './rig.ts';
import type { Frames, Rig } from './rig.ts';

async function take(rig: Rig, clip: ClipName, widthMax = 1280): Promise<string> {
  const ran = await rig.run(thumbnail(rig.tools), clip, { widthMax });
  return ran.path('thumbnail.jpg');
}

async function taken(rig: Rig, clip: ClipName, widthMax = 1280): Promise<Frames> {
  return rig.frames(await take(rig, clip, widthMax));
}

describeKind('thumbnail', (rig) => {
  it('takes a picture no larger than asked, and never enlarged', async () => {
    const small = await taken(rig, 'film', 320);
    expect([small.width, small.height]).toEqual([320, 180]);
    const whole = await taken(rig, 'film');
    expect([whole.width, whole.height]).toEqual([640, 360]);
  });

  it('stands upright, in the colors of the film', async () => {
    const frames = await taken(rig, 'portrait');
    expect([frames.width, frames.height]).toEqual([180, 320]);
    expect(quartersOf(frames)).toEqual(['blue', 'red', 'white', 'lime']);
  });

  it('has square pixels and may have odd sides', async () => {
    const anamorphic = await taken(rig, 'anamorphic');
    expect([anamorphic.width, anamorphic.height]).toEqual([256, 144]);
    const odd = await taken(rig, 'odd');
    expect([odd.width, odd.height]).toEqual([427, 241]);
    expect(quartersOf(odd)).toEqual(['red', 'lime', 'blue', 'white']);
  });

  it('is not black when the film begins black', async () => {
    const { pictures } = await taken(rig, 'blackStart');
    expect(brightnessOf(pictures[0])).toBeGreaterThan(60);
  });

  it('is a picture even of a film that is black throughout', async () => {
    const { pictures } = await taken(rig, 'black');
    expect(pictures).toHaveLength(1);
  });

  it('takes films of other families', async () => {
    for (const clip of ['webm', 'gif', 'interlaced', 'tenBit', 'syncStream'] as const) {
      expect((await taken(rig, clip)).pictures).toHaveLength(1);
    }
  });

  it('is a JPEG file that tells nothing else, and leaves nothing beside it', async () => {
    const path = await take(rig, 'blackStart');
    const bytes = await readFile(path);
    expect(bytes.subarray(0, 4).toString('hex')).toBe('ffd8ffe0');
    expect(bytes.toString('latin1')).not.toMatch(/Lavc|Exif|http/);
    expect(await readdir(dirname(path))).toEqual(['thumbnail.jpg']);
  });

  it('needs no more than what is there of half a film', async () => {
    expect((await taken(rig, 'half')).pictures).toHaveLength(1);
  });
});
