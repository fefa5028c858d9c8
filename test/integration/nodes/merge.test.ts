import { expect, it } from 'vitest';
import { extractAudio } from '../../../src/nodes/extract-audio.ts';
import { readMediaFacts } from '../../../src/nodes/media-facts.ts';
import { merge } from '../../../src/nodes/merge.ts';
import { transcode } from '../../../src/nodes/transcode.ts';
import type { ClipName } from '../../support/media.ts';
import { boxNames, describeKind } from './rig.ts';
import type { Rig } from './rig.ts';

const spoken = `WEBVTT
Language: en

00:00.500 --> 00:00.900
hello world

00:01.200 --> 00:01.500
start
`;

/** Encodes a clip's tracks one by one and joins them, as a job does; gives the rendition's path. */
async function join(rig: Rig, clip: ClipName, captions?: string): Promise<string> {
  const source = await rig.clip(clip);
  const params = { resolution: 720, crf: 23, preset: 'ultrafast' } as const;
  const video = await rig.run(transcode(rig.tools), clip, params);
  const files = [
    { role: 'source', path: source },
    { role: 'video', path: video.path('720p.video.mp4') },
  ] as const;
  const sound =
    video.media.audio === undefined
      ? []
      : [
          {
            role: 'audio' as const,
            path: (await rig.run(extractAudio(rig.tools), clip, { bitrateBps: 128_000 })).path(
              'audio.m4a',
            ),
          },
        ];
  const text =
    captions === undefined
      ? []
      : [{ role: 'captions' as const, path: await rig.captions(captions) }];
  const merged = await rig.runOn(merge(rig.tools), { name: '720p' }, [...files, ...sound, ...text]);
  return merged.path('720p.mp4');
}

/** Films whose tracks begin at the same time or not, at zero or not, with an even rate or not. */
const syncClips = [
  'sync',
  'syncStream',
  'syncStreamLate',
  'syncUneven',
  'syncLateSound',
  'syncLatePicture',
] as const;

/** How far a flash or a beep may move: what a lossy codec smears it. */
const movedSecMax = 0.005;

describeKind('merge', (rig) => {
  it.each(syncClips)(
    'keeps sound and picture of "%s" together, where they are in the film',
    async (clip) => {
      const source = await rig.flashAndBeep(await rig.clip(clip));
      const made = await rig.flashAndBeep(await join(rig, clip));
      expect(Math.abs(made.flashSec - source.flashSec)).toBeLessThan(movedSecMax);
      expect(Math.abs(made.beepSec - source.beepSec)).toBeLessThan(movedSecMax);
    },
  );

  it('joins video, sound and captions, each with its language', async () => {
    const path = await join(rig, 'film', spoken);
    const { streams } = await rig.inspect(path, 'stream=codec_name:stream_tags=language');
    expect(streams).toEqual([
      { codec_name: 'h264', tags: { language: 'und' } },
      { codec_name: 'aac', tags: { language: 'deu' } },
      { codec_name: 'mov_text', tags: { language: 'eng' } },
    ]);
  });

  it('shows captions when they are spoken', async () => {
    const path = await join(rig, 'film', spoken);
    const entries = 'packet=pts_time,duration_time';
    const { packets = [] } = await rig.inspect(path, entries, '-select_streams', 's');
    const shown = packets.map(({ pts_time: start, duration_time: length }) => [
      Number(start),
      Number(length),
    ]);
    expect(shown).toContainEqual([0.5, 0.4]);
    expect(shown).toContainEqual([1.2, 0.3]);
  });

  it('makes no captions track of captions without a cue', async () => {
    const path = await join(rig, 'film', 'WEBVTT\n\n');
    const { streams } = await rig.inspect(path, 'stream=codec_type');
    expect(streams?.map(({ codec_type: type }) => type)).toEqual(['video', 'audio']);
  });

  it('makes a silent film of a silent film', async () => {
    const path = await join(rig, 'silent', spoken);
    const { streams } = await rig.inspect(path, 'stream=codec_type');
    expect(streams?.map(({ codec_type: type }) => type)).toEqual(['video', 'subtitle']);
  });

  it('begins at zero, plays before it is loaded, and tells nothing of the source', async () => {
    const path = await join(rig, 'tagged', spoken);
    const answer = await rig.inspect(path, 'stream=start_time:stream_tags:format_tags');
    expect(answer.streams?.map((stream) => stream['start_time'])).toEqual(
      Array(3).fill('0.000000'),
    );
    expect(JSON.stringify(answer)).not.toMatch(/secret|52\.52/i);
    const boxes = await boxNames(path);
    expect(boxes.indexOf('moov')).toBeLessThan(boxes.indexOf('mdat'));
  });

  it('makes a file whose header the manifest can be written from', async () => {
    const facts = await readMediaFacts(await join(rig, 'film'), 'video/mp4');
    expect(facts).toMatchObject({ width: 640, height: 360 });
    expect(Math.abs((facts.durationSec ?? 0) - 2)).toBeLessThan(0.05);
  });
});
