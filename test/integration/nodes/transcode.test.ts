import { expect, it } from 'vitest';
import { transcode } from '../../../src/nodes/transcode.ts';
import type { TranscodeParams } from '../../../src/nodes/transcode.ts';
import type { ClipName } from '../../support/media.ts';
import { boxNames, describeKind, quartersOf } from './rig.ts';
import type { Frames, Rig } from './rig.ts';

const at: (resolution: number) => TranscodeParams = (resolution) => ({
  resolution,
  crf: 23,
  preset: 'ultrafast',
});

async function encode(rig: Rig, clip: ClipName, resolution = 720): Promise<string> {
  const ran = await rig.run(transcode(rig.tools), clip, at(resolution));
  return ran.path(`${resolution}p.video.mp4`);
}

async function encodedFrames(rig: Rig, clip: ClipName, resolution = 720): Promise<Frames> {
  return rig.frames(await encode(rig, clip, resolution));
}

/** Times of the keyframes in seconds. */
async function keyframeTimes(rig: Rig, path: string): Promise<readonly number[]> {
  const { packets = [] } = await rig.inspect(path, 'packet=pts_time,flags', '-select_streams', 'v');
  const keys = packets.filter(({ flags = '' }) => flags.startsWith('K'));
  return keys.map(({ pts_time: time }) => Number(time));
}

/** Expects no picture behind a keyframe, in the order of the file, to be shown before it. */
async function expectClosedGroups(rig: Rig, path: string): Promise<void> {
  const { packets = [] } = await rig.inspect(path, 'packet=pts_time,flags', '-select_streams', 'v');
  let keyframeSec = 0;
  for (const { pts_time: time, flags = '' } of packets) {
    if (flags.startsWith('K')) keyframeSec = Number(time);
    expect(Number(time)).toBeGreaterThanOrEqual(keyframeSec);
  }
}

describeKind('transcode', (rig) => {
  it('does not enlarge a small film', async () => {
    const { width, height, pictures } = await encodedFrames(rig, 'film');
    expect([width, height, pictures.length]).toEqual([640, 360, 60]);
  });

  it('makes a film smaller by its short side', async () => {
    const { width, height } = await encodedFrames(rig, 'film', 180);
    expect([width, height]).toEqual([320, 180]);
  });

  it('stands a portrait film upright', async () => {
    const frames = await encodedFrames(rig, 'portrait');
    expect([frames.width, frames.height]).toEqual([180, 320]);
    expect(quartersOf(frames)).toEqual(['blue', 'red', 'white', 'lime']);
  });

  it('leaves no turn for players to apply again', async () => {
    const { media } = await rig.run(transcode(rig.tools), 'portrait', at(720));
    expect(media.video?.rotationDegrees).toBe(90);
    const made = await rig.tools.probe(await encode(rig, 'portrait'), new AbortController().signal);
    expect(made).toMatchObject({ ok: true, value: { video: { rotationDegrees: 0 } } });
  });

  it('stands a film on its feet that was shot upside down', async () => {
    const frames = await encodedFrames(rig, 'upsideDown');
    expect([frames.width, frames.height]).toEqual([320, 180]);
    expect(quartersOf(frames)).toEqual(['white', 'blue', 'lime', 'red']);
  });

  it('makes pixels square', async () => {
    const path = await encode(rig, 'anamorphic');
    const { streams } = await rig.inspect(path, 'stream=width,height,sample_aspect_ratio');
    expect(streams?.[0]).toEqual({ width: 256, height: 144, sample_aspect_ratio: '1:1' });
  });

  it('makes odd sides even, and 4:4:4 in full range 4:2:0 in limited range, in the same colors', async () => {
    const path = await encode(rig, 'odd');
    const frames = await rig.frames(path);
    expect([frames.width, frames.height]).toEqual([426, 240]);
    expect(quartersOf(frames)).toEqual(['red', 'lime', 'blue', 'white']);
    const { streams } = await rig.inspect(path, 'stream=pix_fmt,color_range');
    expect(streams?.[0]).toEqual({ pix_fmt: 'yuv420p', color_range: 'tv' });
  });

  it('makes 8 bits of 10, in High profile, with a level that fits and colors tagged', async () => {
    const path = await encode(rig, 'tenBit');
    const entries = 'stream=pix_fmt,profile,level,color_space,color_transfer,color_primaries';
    const { streams } = await rig.inspect(path, entries);
    expect(streams?.[0]).toEqual({
      pix_fmt: 'yuv420p',
      profile: expect.stringMatching(/^(High|Constrained Baseline|Main)$/),
      level: 30,
      color_space: 'smpte170m',
      color_transfer: 'smpte170m',
      color_primaries: 'smpte170m',
    });
  });

  it('makes 8 bits in standard range of a film in high dynamic range', async () => {
    const path = await encode(rig, 'hdr');
    const entries = 'stream=pix_fmt,color_space,color_transfer,color_primaries';
    expect((await rig.inspect(path, entries)).streams?.[0]).toEqual({
      pix_fmt: 'yuv420p',
      color_space: 'bt709',
      color_transfer: 'bt709',
      color_primaries: 'bt709',
    });
    // Of the ten-bit film's thirty; the oldest build gives the last one no time to be seen.
    expect((await rig.frames(path)).pictures.length).toBeGreaterThanOrEqual(29);
  });

  it('counts the short side of a tall film', async () => {
    const small = await encodedFrames(rig, 'tall', 180);
    expect([small.width, small.height]).toEqual([180, 320]);
    const whole = await encodedFrames(rig, 'tall', 360);
    expect([whole.width, whole.height]).toEqual([360, 640]);
  });

  it('deinterlaces', async () => {
    const { media } = await rig.run(transcode(rig.tools), 'interlaced', at(720));
    expect(media.video?.isInterlaced).toBe(true);
    const path = await encode(rig, 'interlaced');
    const { streams } = await rig.inspect(path, 'stream=field_order');
    expect(['progressive', 'unknown', undefined]).toContain(streams?.[0]?.['field_order']);
  });

  it('takes films of other families', async () => {
    for (const clip of ['webm', 'gif', 'interlaced'] as const) {
      const { times } = await encodedFrames(rig, clip);
      expect(times[0]).toBe(0);
    }
  });

  it('keeps the time of every frame of a film with an uneven rate', async () => {
    const source = await rig.frames(await rig.clip('uneven'));
    const made = await encodedFrames(rig, 'uneven');
    expect(made.times).toHaveLength(source.times.length);
    for (const [index, time] of made.times.entries()) {
      expect(time).toBeCloseTo(source.times[index] ?? -1, 3);
    }
  });

  it('leaves out frames beyond 240 in a second, and moves none', async () => {
    const { times } = await encodedFrames(rig, 'rapid');
    expect(times.length).toBe(240);
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo(index / 240, 3);
  });

  it('leaves out one of two frames that claim the same time', async () => {
    const { times } = await encodedFrames(rig, 'twins');
    expect(times).toHaveLength(13);
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo(index * 0.08, 3);
  });

  it('begins at zero, wherever the source begins', async () => {
    const clips = [
      ...(['sync', 'syncStream', 'syncLatePicture', 'syncLateSound', 'syncAtTen'] as const),
    ];
    for (const clip of clips) expect((await encodedFrames(rig, clip)).times[0]).toBe(0);
  });

  it('puts keyframes every two seconds and nowhere else, in every rendition', async () => {
    const path = await encode(rig, 'cuts', 180);
    const large = await keyframeTimes(rig, path);
    await expectClosedGroups(rig, path);
    const small = await keyframeTimes(rig, await encode(rig, 'cuts', 90));
    expect(large).toEqual([0, 2, 4]);
    expect(small).toEqual(large);
  });

  it('copies no metadata, puts the header first, and adds no sound', async () => {
    for (const clip of ['film', 'tagged'] as const) {
      const path = await encode(rig, clip);
      const answer = await rig.inspect(path, 'stream=codec_type:stream_tags:format_tags');
      expect(JSON.stringify(answer)).not.toMatch(/secret|52\.52/i);
      expect(answer.streams?.map(({ codec_type: type }) => type)).toEqual(['video']);
      const boxes = await boxNames(path);
      expect(boxes.indexOf('moov')).toBeLessThan(boxes.indexOf('mdat'));
    }
  });

  it('refuses half a film, though ffmpeg exits with success', async () => {
    await expect(encode(rig, 'half')).rejects.toThrow(/^(truncated|corrupt)/);
  });
});
