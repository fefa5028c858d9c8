import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Failure } from '../../../src/base/failure.ts';
import type { Result } from '../../../src/base/result.ts';
import { needsPacketScan, toMediaProbe } from '../../../src/ffmpeg/parse-probe.ts';
import { parseProbeAnswer } from '../../../src/ffmpeg/probe-answer.ts';
import type { ProbeAnswer, ProbeStream } from '../../../src/ffmpeg/probe-answer.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';

const limits = { pixelsMax: 36_000_000, durationSecMax: 14_400, streamsMax: 64 };

/** Answers that ffprobe gave (5.1 where the name does not say another), as it printed them. */
function recorded(name: string): ProbeAnswer {
  const text = readFileSync(join(import.meta.dirname, 'recorded', `${name}.json`), 'utf8');
  const answer = parseProbeAnswer(text);
  if (!answer.ok) throw new Error(answer.error.operatorDetail);
  return answer.value;
}

function probeOf(answer: ProbeAnswer, changes = {}): Result<MediaProbe, Failure> {
  return toMediaProbe(answer, { bytes: 1000, limits, ...changes });
}

function goodProbe(answer: ProbeAnswer, changes = {}): MediaProbe {
  const probe = probeOf(answer, changes);
  if (!probe.ok) throw new Error(probe.error.operatorDetail ?? probe.error.message);
  return probe.value;
}

function failureOf(answer: ProbeAnswer, changes = {}): Failure {
  const probe = probeOf(answer, changes);
  if (probe.ok) throw new Error('It is a good probe.');
  return probe.error;
}

const film: ProbeStream = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 1920,
  height: 1080,
  pix_fmt: 'yuv420p',
  avg_frame_rate: '25/1',
  duration: '10.000000',
};
const sound: ProbeStream = {
  index: 1,
  codec_type: 'audio',
  codec_name: 'aac',
  channels: 2,
  sample_rate: '48000',
  duration: '10.000000',
};

function answerOf(...streams: readonly ProbeStream[]): ProbeAnswer {
  return { streams: [...streams], format: { format_name: 'mov,mp4', duration: '10.0' } };
}

describe('a probe', () => {
  test('of a turned film has the size that a viewer sees', () => {
    expect(goodProbe(recorded('portrait-5.1'))).toEqual({
      formatName: 'mov,mp4,m4a,3gp,3g2,mj2',
      durationSec: 1,
      bytes: 1000,
      video: {
        index: 0,
        codec: 'h264',
        codedWidth: 640,
        codedHeight: 360,
        displayWidth: 360,
        displayHeight: 640,
        rotationDegrees: 270,
        sampleAspectRatio: 1,
        pixelFormat: 'yuv420p',
        framesPerSecond: 30,
        isInterlaced: false,
        durationSec: 1,
      },
      audio: { index: 1, codec: 'aac', channels: 1, sampleRateHz: 44_100, durationSec: 1 },
    });
  });

  test('is the same from another build of ffprobe', () => {
    expect(goodProbe(recorded('portrait-2023'))).toEqual(goodProbe(recorded('portrait-5.1')));
  });

  test('of an anamorphic interlaced broadcast has square pixels', () => {
    expect(goodProbe(recorded('anamorphic-ts')).video).toMatchObject({
      codedWidth: 720,
      displayWidth: 1024,
      displayHeight: 576,
      sampleAspectRatio: 64 / 45,
      isInterlaced: true,
    });
  });

  test('of a Matroska film takes lengths from the tags, and none from the subtitles', () => {
    const probe = goodProbe(recorded('dts-default-mkv'));
    expect(probe.durationSec).toBe(1.024);
    expect(probe.video?.durationSec).toBe(1.005);
  });

  test('takes a sound track that can be decoded before the default one that can’t', () => {
    expect(goodProbe(recorded('dts-default-mkv')).audio).toMatchObject({
      index: 2,
      codec: 'ac3',
      language: 'fre',
    });
  });

  test.each(['cover-mp3', 'cover-m4a'])('does not take cover art for a film: %s', (name) => {
    const probe = goodProbe(recorded(name));
    expect(probe.video).toBeUndefined();
    expect(probe.audio).toBeDefined();
  });

  test('tells the transfer curve of an HDR film', () => {
    expect(goodProbe(recorded('hdr')).video).toMatchObject({
      pixelFormat: 'yuv420p10le',
      colorTransfer: 'smpte2084',
    });
  });

  test('tells the color matrix where one is tagged', () => {
    const matrixOf = (matrix: string): unknown =>
      goodProbe({
        format: { format_name: 'mov' },
        streams: [{ ...film, duration: '1', color_space: matrix }],
      }).video?.colorMatrix;
    expect(matrixOf('bt470bg')).toBe('bt470bg');
    expect(matrixOf('unknown')).toBeUndefined();
  });

  test('of a recording without any length takes that of its packets', () => {
    const live = recorded('live-mkv');
    expect(needsPacketScan(live)).toBe(true);
    expect(failureOf(live).code).toBe('corrupt');
    const measuredSec = new Map([
      [0, 2],
      [1, 2.04],
    ]);
    expect(goodProbe(live, { measuredSec }).durationSec).toBe(2.04);
  });

  test.each([
    ['60000/1', '25/1', 25],
    ['4294967295/1', '4294967295/1', 25],
    ['480/1', '25/1', 480],
  ])(
    'believes an average of %s and a base of %s frames per second as %i',
    (average, base, rate) => {
      const stream = { ...film, avg_frame_rate: average, r_frame_rate: base };
      expect(goodProbe(answerOf(stream)).video?.framesPerSecond).toBe(rate);
    },
  );

  test('takes DV for interlaced, as tapes are, unless the file denies it', () => {
    const isInterlaced = (changes: Partial<ProbeStream>): unknown =>
      goodProbe(answerOf({ ...film, ...changes })).video?.isInterlaced;
    expect(isInterlaced({ codec_name: 'dvvideo', field_order: 'unknown' })).toBe(true);
    expect(isInterlaced({ codec_name: 'dvvideo', field_order: 'progressive' })).toBe(false);
    expect(isInterlaced({ field_order: 'unknown' })).toBe(false);
  });

  test.each(['1', '2147483647'])('refuses sound sampled at %s Hz', (rate) => {
    expect(failureOf(answerOf(film, { ...sound, sample_rate: rate })).code).toBe('corrupt');
  });

  test.each(['8000', '768000', '0'])('takes sound sampled at %s Hz', (rate) => {
    expect(goodProbe(answerOf(film, { ...sound, sample_rate: rate })).audio?.sampleRateHz).toBe(
      Number(rate),
    );
  });

  test('asks for the packets only where the container guesses', () => {
    expect(needsPacketScan(recorded('portrait-5.1'))).toBe(false);
    expect(needsPacketScan(recorded('cover-mp3'))).toBe(true);
    const format = { format_name: 'mpeg', duration: '0.01' };
    expect(needsPacketScan({ ...answerOf(film), format })).toBe(true);
  });

  test('asks for the packets where a tag tells the length of a track that begins late', () => {
    const { duration: _dropped, ...untimed } = film;
    const tagged = { ...untimed, tags: { DURATION: '00:00:12.000000000' } };
    expect(needsPacketScan(answerOf({ ...tagged, start_time: '0.020000' }))).toBe(false);
    expect(needsPacketScan(answerOf({ ...tagged, start_time: '10.000000' }))).toBe(true);
    expect(needsPacketScan(answerOf({ ...film, start_time: '10.000000' }))).toBe(false);
  });

  test.each<[Partial<ProbeStream>, number]>([
    [{ side_data_list: [{ rotation: -90 }] }, 90],
    [{ side_data_list: [{ rotation: 90 }] }, 270],
    [{ side_data_list: [{}, { rotation: 180 }] }, 180],
    [{ side_data_list: [{ rotation: -180 }] }, 180],
    [{ tags: { rotate: '90' } }, 90],
    [{ tags: { rotate: '270' }, side_data_list: [{ rotation: 90 }] }, 270],
    [{ side_data_list: [{ rotation: 45 }] }, 0],
    [{}, 0],
  ])('reads the turn in %j as %i degrees', (data, degrees) => {
    expect(goodProbe(answerOf({ ...film, ...data })).video?.rotationDegrees).toBe(degrees);
  });

  test.each(['0:1', 'N/A', '1:0', '1000:1', undefined])(
    'takes a sample aspect ratio of %s for square',
    (ratio) => {
      const stream = ratio === undefined ? film : { ...film, sample_aspect_ratio: ratio };
      expect(goodProbe(answerOf(stream)).video?.displayWidth).toBe(1920);
    },
  );

  test('takes the default sound track before the first one', () => {
    const second = { ...sound, index: 2, disposition: { default: 1 } };
    expect(goodProbe(answerOf(film, sound, second)).audio?.index).toBe(2);
    expect(goodProbe(answerOf(film, sound)).audio?.index).toBe(1);
  });

  test('leaves out a language that is undetermined', () => {
    const tagged = { ...sound, tags: { language: 'und' } };
    expect(goodProbe(answerOf(tagged)).audio).not.toHaveProperty('language');
  });

  test('has a frame rate even where the file has none', () => {
    const stream = { ...film, avg_frame_rate: '0/0', r_frame_rate: '0/0' };
    expect(goodProbe(answerOf(stream)).video?.framesPerSecond).toBe(25);
  });
});

describe('a file is refused', () => {
  test('with more tracks than allowed', () => {
    const many = Array.from({ length: 65 }, (_, index) => ({ ...sound, index }));
    expect(failureOf(answerOf(...many)).code).toBe('limit_streams');
  });

  test('with a larger picture than allowed, also when only its pixels are wide', () => {
    expect(failureOf(answerOf({ ...film, width: 8000, height: 6000 })).code).toBe('limit_pixels');
    const wide = { ...film, width: 8000, height: 4000, sample_aspect_ratio: '16:1' };
    expect(failureOf(answerOf(wide)).code).toBe('limit_pixels');
  });

  test('when it is longer than allowed, and is told how long it may be', () => {
    const failure = failureOf(answerOf({ ...film, duration: '14401' }));
    expect(failure.code).toBe('limit_duration');
    expect(failure.message).toContain('240 min');
  });

  test('with neither film nor sound', () => {
    const subtitles = { index: 0, codec_type: 'subtitle', codec_name: 'subrip' };
    expect(failureOf(answerOf(subtitles)).code).toBe('unsupported_format');
    expect(failureOf(answerOf()).code).toBe('unsupported_format');
  });

  test('with sound that can’t be decoded only, and is told the codec', () => {
    const failure = failureOf(answerOf({ ...sound, codec_name: 'dts' }));
    expect(failure.code).toBe('unsupported_codec');
    expect(failure.message).toContain('"dts"');
  });

  test.each(['', '{', '[]', '{}', '{"streams":[{"index":-1}],"format":{"format_name":"x"}}'])(
    'when the answer is not one: %j',
    (text) => {
      const answer = parseProbeAnswer(text);
      expect(answer).toMatchObject({ ok: false, error: { code: 'corrupt' } });
    },
  );
});
