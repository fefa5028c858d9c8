import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ok } from '../../../src/base/result.ts';
import type { FfmpegCommand } from '../../../src/ffmpeg/command.ts';
import type { MediaTools, OutputExpectation } from '../../../src/ffmpeg/media-tools.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import { merge, planMerge } from '../../../src/nodes/merge.ts';
import type { InputArtifact } from '../../../src/nodes/node-kind.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { attemptOf, inputArtifact } from '../../support/node-attempt.ts';
import { film } from './sample-media.ts';

const params = { name: '720p' };

describe('planMerge', () => {
  it('joins video, sound and captions, token by token', () => {
    const tracks = {
      video: '/job/v.mp4',
      audio: { path: '/job/a.m4a', language: 'eng' },
      captions: { path: '/job/c.vtt', language: 'deu' },
    };
    expect(planMerge(tracks, '/job/720p.mp4')).toEqual({
      inputs: [
        { path: '/job/v.mp4', options: [], isOwn: true },
        { path: '/job/a.m4a', options: [], isOwn: true },
        { path: '/job/c.vtt', options: ['-f', 'webvtt'], isOwn: true },
      ],
      outputs: [
        {
          path: '/job/720p.mp4',
          options: [
            '-map',
            '0:v:0',
            '-map',
            '1:a:0',
            '-map',
            '2:s:0',
            '-c:v',
            'copy',
            '-c:a',
            'copy',
            '-c:s',
            'mov_text',
            '-metadata:s:a:0',
            'language=eng',
            '-metadata:s:s:0',
            'language=deu',
            '-movflags',
            '+faststart',
            '-f',
            'mp4',
          ],
        },
      ],
    });
  });

  it('takes captions as the second input when there is no sound', () => {
    const plan = planMerge({ video: '/job/v.mp4', captions: { path: '/job/c.vtt' } }, '/job/o.mp4');
    expect(plan.inputs.map(({ path }) => path)).toEqual(['/job/v.mp4', '/job/c.vtt']);
    expect(plan.outputs[0]?.options.slice(0, 4)).toEqual(['-map', '0:v:0', '-map', '1:s:0']);
  });
});

interface Recorded {
  command: FfmpegCommand | undefined;
  expected: OutputExpectation | undefined;
}

function recordingTools(recorded: Recorded): MediaTools {
  return {
    probe: () => Promise.reject(new Error('not probed again')),
    run(command) {
      recorded.command = command;
      return Promise.resolve(ok({ outTimeSec: 10 }));
    },
    verify(_path, expected) {
      recorded.expected = expected;
      return Promise.resolve(ok({ durationSec: 10 }));
    },
  };
}

async function merged(captions: string | undefined, media: MediaProbe): Promise<Recorded> {
  await using directory = await createTempDirectory();
  const path = join(directory.path, 'captions.vtt');
  if (captions !== undefined) await writeFile(path, captions);
  const inputs: InputArtifact[] = [
    inputArtifact({ name: '720p.video.mp4', role: 'video' }),
    ...(media.audio === undefined ? [] : [inputArtifact({ name: 'audio.m4a', role: 'audio' })]),
    ...(captions === undefined
      ? []
      : [inputArtifact({ name: 'captions.vtt', role: 'captions', path })]),
  ];
  const recorded: Recorded = { command: undefined, expected: undefined };
  const kind = merge(recordingTools(recorded));
  const outcome = await kind.run(
    attemptOf(params, { inputs, media, outputDirectory: directory.path }),
  );
  expect(outcome).toEqual(ok({ files: [{ name: '720p.mp4' }] }));
  return recorded;
}

const spoken = 'WEBVTT\nLanguage: de\n\n00:01.000 --> 00:02.000\nhallo\n';

describe('merge', () => {
  it('leaves out captions without a cue', async () => {
    const { command, expected } = await merged('WEBVTT\n\n', film());
    expect(command?.inputs).toHaveLength(2);
    expect(expected?.streams).toEqual(['video', 'audio']);
  });

  it('names the language of the captions, and of the sound where the source does', async () => {
    const { command, expected } = await merged(spoken, film({}, { language: 'eng' }));
    expect(command?.outputs[0]?.options).toEqual(
      expect.arrayContaining([
        '-metadata:s:a:0',
        'language=eng',
        '-metadata:s:s:0',
        'language=deu',
      ]),
    );
    expect(expected?.streams).toEqual(['video', 'audio', 'subtitle']);
  });

  it('makes a silent film without a sound track', async () => {
    const { audio: _none, ...silent } = film();
    const { command, expected } = await merged(undefined, silent);
    expect(command?.inputs).toHaveLength(1);
    expect(expected?.streams).toEqual(['video']);
  });

  it('expects the length of the longer track', async () => {
    const media = { ...film({ durationSec: 4 }, { durationSec: 10 }) };
    const { expected } = await merged(undefined, media);
    const { seconds = 0, toleranceSec = 0 } = expected?.duration ?? {};
    expect(seconds - toleranceSec).toBeCloseTo(8.5);
    expect(seconds + toleranceSec).toBeCloseTo(13.5);
  });

  it('takes names that are safe in a path, and no others', () => {
    const { params: schema } = merge(recordingTools({ command: undefined, expected: undefined }));
    expect(schema.safeParse({ name: '1080p' }).success).toBe(true);
    for (const name of ['', '../x', 'a/b', '720P', '.hidden', 'a b', 'x'.repeat(64)]) {
      expect(schema.safeParse({ name }).success).toBe(false);
    }
  });
});
