import { describe, expect, it } from 'vitest';
import {
  extractAudio,
  planDifference,
  planExtractAudio,
} from '../../../src/nodes/extract-audio.ts';
import { unusedTools } from '../../support/node-attempt.ts';
import { film } from './sample-media.ts';

const params = { bitrateBps: 128_000 };
const paths = { source: '/job/source', outputDirectory: '/job/out' };
const kind = extractAudio(unusedTools);

describe('planExtractAudio', () => {
  it('plans both files in one run, token by token', () => {
    expect(planExtractAudio(params, film(), paths)).toEqual({
      inputs: [{ path: '/job/source', options: [] }],
      alsoRead: [],
      outputs: [
        {
          path: '/job/out/audio.m4a',
          options: [
            '-map',
            '0:1',
            '-map_metadata:s',
            '-1',
            '-af',
            'aresample=48000:async=1:first_pts=0',
            '-ac',
            '2',
            '-c:a',
            'aac',
            '-b:a',
            '128000',
            '-movflags',
            '+faststart',
            '-f',
            'ipod',
          ],
        },
        {
          path: '/job/out/speech.wav',
          options: [
            '-map',
            '0:1',
            '-map_metadata:s',
            '-1',
            '-af',
            'aresample=16000:async=1:first_pts=0',
            '-ac',
            '1',
            '-c:a',
            'pcm_s16le',
            '-bitexact',
            '-f',
            'wav',
          ],
        },
      ],
    });
  });

  it.each([
    [1, '1', '64000'],
    [2, '2', '128000'],
    [6, '2', '128000'],
  ])('makes %i channels %s, at %s bits per second', (channels, channelsOut, bitrate) => {
    const plan = planExtractAudio(params, film({}, { channels }), paths);
    const tokens = plan.outputs[0]?.options ?? [];
    expect(tokens[tokens.indexOf('-ac') + 1]).toBe(channelsOut);
    expect(tokens[tokens.indexOf('-b:a') + 1]).toBe(bitrate);
  });
});

describe('planExtractAudio of surround sound', () => {
  it('mixes to stereo in floating point, with a limiter behind, in both files', () => {
    const plan = planExtractAudio(params, film({}, { channels: 6 }), paths);
    const filters = plan.outputs.map(({ options }) => options[options.indexOf('-af') + 1]);
    const downmix =
      'aformat=sample_fmts=fltp:channel_layouts=stereo,alimiter=level=0:attack=1:limit=0.95';
    expect(filters).toEqual([
      `aresample=48000:async=1:first_pts=0,${downmix}`,
      `aresample=16000:async=1:first_pts=0,${downmix}`,
    ]);
  });
});

describe('planDifference', () => {
  it('takes what two channels do not have in common', () => {
    const files = { source: '/job/source', output: '/job/out/difference-speech.wav' };
    expect(planDifference(film(), files).outputs).toEqual([
      {
        path: '/job/out/difference-speech.wav',
        options: [
          ...['-map', '0:1', '-map_metadata:s', '-1'],
          ...['-af', 'aresample=16000:async=1:first_pts=0,pan=mono|c0=0.5*c0-0.5*c1'],
          ...['-c:a', 'pcm_s16le', '-bitexact', '-f', 'wav'],
        ],
      },
    ]);
  });
});

describe('extract-audio', () => {
  it('fills in the bit rate and refuses a senseless one', () => {
    expect(kind.params.parse({})).toEqual(params);
    expect(kind.params.safeParse({ bitrateBps: 1000 }).success).toBe(false);
    expect(kind.params.safeParse({ bitrate: 128_000 }).success).toBe(false);
  });

  it('asks for one core and grows with the length', () => {
    const short = kind.estimate(params, film({}, { durationSec: 60 }));
    const long = kind.estimate(params, film({}, { durationSec: 36_000 }));
    expect(short.demand).toMatchObject({ coresMin: 1, coresMax: 1 });
    expect(long.coreSeconds).toBeGreaterThan(100 * short.coreSeconds);
  });
});
