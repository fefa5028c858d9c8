import { describe, expect, it } from 'vitest';
import { planTranscode, transcode } from '../../../src/nodes/transcode.ts';
import type { TranscodeParams } from '../../../src/nodes/transcode.ts';
import { unusedTools } from '../../support/node-attempt.ts';
import { film } from './sample-media.ts';

const params: TranscodeParams = { resolution: 720, crf: 23, preset: 'veryfast' };
const paths = { source: '/job/source', output: '/job/720p.video.mp4' };
const kind = transcode(unusedTools);

function optionAfter(name: string, media = film(), changes: Partial<TranscodeParams> = {}): string {
  const tokens = planTranscode({ ...params, ...changes }, media, paths).outputs[0]?.options ?? [];
  return tokens[tokens.indexOf(name) + 1] ?? '';
}

describe('planTranscode', () => {
  it('plans a 720p rendition of a 1080p film, token by token', () => {
    expect(planTranscode(params, film(), paths)).toEqual({
      inputs: [{ path: '/job/source', options: [] }],
      alsoRead: [],
      outputs: [
        {
          path: '/job/720p.video.mp4',
          keepsFrameTimes: true,
          options: [
            '-map',
            '0:0',
            '-an',
            '-map_metadata:s',
            '-1',
            '-vf',
            'select=not(lt(t-prev_selected_t\\,0.004149)),scale=1280:720:in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,setpts=if(eq(N\\,0)\\,0\\,PTS)',
            '-enc_time_base',
            '1/90000',
            '-c:v',
            'libx264',
            '-preset',
            'veryfast',
            '-crf',
            '23',
            '-profile:v',
            'high',
            '-level:v',
            '3.1',
            '-force_key_frames',
            'expr:gte(t,n_forced*2)',
            '-g',
            '600',
            '-sc_threshold',
            '0',
            '-colorspace',
            'bt709',
            '-color_primaries',
            'bt709',
            '-color_trc',
            'bt709',
            '-color_range',
            'tv',
            '-movflags',
            '+faststart',
            '-f',
            'mp4',
          ],
        },
      ],
    });
  });

  it('takes the track that the probe chose', () => {
    expect(optionAfter('-map', film({ index: 3 }))).toBe('0:3');
  });

  it('deinterlaces only what is interlaced', () => {
    expect(optionAfter('-vf', film({ isInterlaced: true }))).toMatch(/,yadif=0:-1:1,scale=/);
    expect(optionAfter('-vf')).not.toContain('yadif');
  });

  it('maps high dynamic range to what every screen shows, after it was made smaller', () => {
    const hdr = film({ colorTransfer: 'smpte2084', colorMatrix: 'bt2020nc' });
    expect(optionAfter('-vf', hdr)).toBe(
      'select=not(lt(t-prev_selected_t\\,0.004149)),scale=1280:720:in_color_matrix=bt2020,format=gbrp16le,lut3d=file=tone-map.cube:interp=tetrahedral,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,setpts=if(eq(N\\,0)\\,0\\,PTS)',
    );
    expect(optionAfter('-colorspace', hdr)).toBe('bt709');
    expect(optionAfter('-color_trc', hdr)).toBe('bt709');
  });

  it('shows a still twice, as its last frame may last no time', () => {
    const still = film({ framesPerSecond: 25, durationSec: 0.04 });
    expect(optionAfter('-vf', still)).toMatch(
      /,setsar=1,loop=loop=1:size=1:start=0,setpts=N\/\(25\*TB\)$/,
    );
  });

  it('scales to the size that a viewer sees', () => {
    const phone = film({
      codedWidth: 1920,
      codedHeight: 1080,
      displayWidth: 1080,
      displayHeight: 1920,
      rotationDegrees: 90,
    });
    expect(optionAfter('-vf', phone)).toMatch(/,scale=720:1280:/);
  });

  it('takes quality and preset from its parameters', () => {
    expect(optionAfter('-crf', film(), { crf: 18 })).toBe('18');
    expect(optionAfter('-preset', film(), { preset: 'slow' })).toBe('slow');
  });
});

describe('transcode', () => {
  it('fills in quality and preset, and refuses what it does not know', () => {
    expect(kind.params.parse({ resolution: 720 })).toEqual(params);
    const bad = [
      {},
      { resolution: 721 },
      { resolution: 720, crf: 0 },
      { resolution: 720, fps: 30 },
    ];
    for (const block of bad) expect(kind.params.safeParse(block).success).toBe(false);
  });

  it('names its output by the resolution', () => {
    expect(kind.outputs(params)).toEqual([
      { name: '720p.video.mp4', role: 'video', mediaType: 'video/mp4', product: false },
    ]);
  });

  it('estimates as it was measured: 30 s of 1080p film', () => {
    const media = film({ durationSec: 30 });
    const coreSeconds = (changes: Partial<TranscodeParams>): number =>
      kind.estimate({ ...params, ...changes }, media).coreSeconds;
    // Measured with ffmpeg 5.1, decoding included; within a quarter.
    const measured = [
      [{ resolution: 720 }, 21],
      [{ resolution: 720, preset: 'medium' }, 39],
      [{ resolution: 1080 }, 34],
      [{ resolution: 1080, preset: 'medium' }, 74],
    ] as const;
    for (const [changes, seconds] of measured) {
      expect(Math.abs(coreSeconds(changes) / seconds - 1)).toBeLessThan(0.25);
    }
  });

  it('asks for one core at least, and for no more than x264 has use for', () => {
    expect(kind.estimate(params, film()).demand).toMatchObject({ coresMin: 1, coresMax: 12 });
    const tiny = film({ codedWidth: 64, codedHeight: 64 });
    expect(kind.estimate(params, tiny).demand.coresMax).toBe(1);
  });

  it('counts frames that are left out for decoding alone', () => {
    const work = (framesPerSecond: number) =>
      kind.estimate(params, film({ framesPerSecond })).coreSeconds;
    expect(work(480) / work(240)).toBeGreaterThan(1.2);
    expect(work(480) / work(240)).toBeLessThan(1.6);
  });

  it('counts what high dynamic range costs', () => {
    const work = (colorTransfer: string) =>
      kind.estimate(params, film({ colorTransfer })).coreSeconds;
    expect(work('smpte2084') / work('bt709')).toBeGreaterThan(1.2);
    expect(work('smpte2084') / work('bt709')).toBeLessThan(2);
  });

  it('has an estimate before the source is known', () => {
    const { coreSeconds, demand } = kind.estimate(params, undefined);
    expect(coreSeconds).toBeGreaterThan(1);
    expect(demand.memoryBytes).toBeGreaterThan(100_000_000);
  });
});
