import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { extractAudio } from '../../../src/nodes/extract-audio.ts';
import type { ClipName } from '../../support/media.ts';
import { boxNames, describeKind } from './rig.ts';
import type { Ran, Rig } from './rig.ts';

function extract(rig: Rig, clip: ClipName): Promise<Ran> {
  return rig.run(extractAudio(rig.tools), clip, { bitrateBps: 128_000 });
}

/** Loudness of samples: the root of their mean square. */
function loudness(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

/** How far a beep may move: what a lossy codec smears it. */
const movedSecMax = 0.005;

describeKind('extract-audio', (rig) => {
  it('makes AAC at 48 kHz in stereo and PCM at 16 kHz in mono', async () => {
    const { path } = await extract(rig, 'syncStream');
    const entries = 'stream=codec_name,sample_rate,channels';
    expect((await rig.inspect(path('audio.m4a'), entries)).streams).toEqual([
      { codec_name: 'aac', sample_rate: '48000', channels: 1 },
    ]);
    expect((await rig.inspect(path('speech.wav'), entries)).streams).toEqual([
      { codec_name: 'pcm_s16le', sample_rate: '16000', channels: 1 },
    ]);
    const surround = await extract(rig, 'centre');
    expect((await rig.inspect(surround.path('audio.m4a'), entries)).streams).toEqual([
      { codec_name: 'aac', sample_rate: '48000', channels: 2 },
    ]);
  });

  it('keeps the centre of surround sound, in both ears and for the recognizer', async () => {
    const { path } = await extract(rig, 'centre');
    expect(loudness(await rig.samples(path('audio.m4a'), 48_000))).toBeGreaterThan(0.05);
    expect(loudness(await rig.samples(path('speech.wav'), 16_000))).toBeGreaterThan(0.05);
  });

  it('lets the recognizer hear what two channels of opposite signs say', async () => {
    const { path } = await extract(rig, 'antiphase');
    expect(loudness(await rig.samples(path('speech.wav'), 16_000))).toBeGreaterThan(0.3);
    const entries = 'stream=codec_name,sample_rate,channels';
    expect((await rig.inspect(path('speech.wav'), entries)).streams).toEqual([
      { codec_name: 'pcm_s16le', sample_rate: '16000', channels: 1 },
    ]);
  });

  it.each(['sync', 'syncAtTen', 'syncStreamLate', 'syncLateSound', 'syncLatePicture'] as const)(
    'puts the beep of "%s" where it is in the film, in both files',
    async (clip) => {
      const { path } = await extract(rig, clip);
      const sourceSec = await rig.beepSec(await rig.clip(clip));
      for (const name of ['audio.m4a', 'speech.wav']) {
        expect(Math.abs((await rig.beepSec(path(name))) - sourceSec)).toBeLessThan(movedSecMax);
      }
    },
  );

  it('begins at zero, and plays before it is loaded', async () => {
    const { path } = await extract(rig, 'syncLateSound');
    const { streams } = await rig.inspect(path('audio.m4a'), 'stream=start_time');
    expect(streams?.[0]?.['start_time']).toBe('0.000000');
    const boxes = await boxNames(path('audio.m4a'));
    expect(boxes.indexOf('moov')).toBeLessThan(boxes.indexOf('mdat'));
  });

  it('writes the plain 44-byte header that recognizers expect', async () => {
    const { path } = await extract(rig, 'mono');
    const samples = await rig.samples(path('speech.wav'), 16_000);
    const { size } = await stat(path('speech.wav'));
    expect(size).toBe(44 + 2 * samples.length);
  });

  it('takes a recording without pictures', async () => {
    const { media } = await extract(rig, 'soundOnly');
    expect(media.video).toBeUndefined();
  });

  it('copies no metadata', async () => {
    for (const clip of ['film', 'tagged'] as const) {
      const { path } = await extract(rig, clip);
      for (const name of ['audio.m4a', 'speech.wav']) {
        const answer = await rig.inspect(path(name), 'stream_tags:format_tags');
        expect(JSON.stringify(answer)).not.toMatch(/secret|52\.52/i);
      }
    }
  });

  it('refuses half a recording', async () => {
    await expect(extract(rig, 'half')).rejects.toThrow(/^(truncated|corrupt)/);
  });
});
