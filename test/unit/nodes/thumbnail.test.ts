import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import type { FailureCode } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { MediaTools } from '../../../src/ffmpeg/media-tools.ts';
import { planLook, thumbnail } from '../../../src/nodes/thumbnail.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import { attemptOf, inputArtifact } from '../../support/node-attempt.ts';
import { film } from './sample-media.ts';

const params = { widthMax: 1280 };
const paths = {
  source: '/job/source',
  picture: '/job/look.jpg',
  luma: '/job/look.gray',
  position: 0.25,
};

describe('planLook', () => {
  it('plans a look at a quarter of the film, token by token', () => {
    expect(planLook(params, film(), paths)).toEqual({
      inputs: [{ path: '/job/source', options: ['-ss', '2.500', '-t', '2'] }],
      outputs: [
        {
          path: '/job/look.jpg',
          options: [
            '-filter_complex',
            '[0:0]scale=1280:720:in_color_matrix=bt709,format=rgb24,setsar=1,thumbnail=24,split[large][small];[large]scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p[picture];[small]scale=32:32,format=gray[luma]',
            '-map',
            '[picture]',
            '-frames:v',
            '1',
            '-map_metadata:s',
            '-1',
            '-c:v',
            'mjpeg',
            '-q:v',
            '3',
            '-bitexact',
            '-f',
            'mjpeg',
          ],
        },
        {
          path: '/job/look.gray',
          options: [
            '-map',
            '[luma]',
            '-frames:v',
            '1',
            '-map_metadata:s',
            '-1',
            '-c:v',
            'rawvideo',
            '-f',
            'rawvideo',
          ],
        },
      ],
    });
  });

  it('does not seek to the beginning', () => {
    expect(planLook(params, film(), { ...paths, position: 0 }).inputs[0]?.options).toEqual([
      '-t',
      '2',
    ]);
  });
});

/** Looks of a film, as luma of a flat or a two-colored picture; null: no frame there. */
type Look = { readonly dark: number; readonly bright: number } | null | FailureCode;

function toolsSeeing(looks: readonly Look[]): MediaTools & { readonly seeks: string[] } {
  const seeks: string[] = [];
  return {
    seeks,
    probe: () => Promise.reject(new Error('not probed again')),
    async run(command) {
      const look = looks[seeks.length] ?? null;
      seeks.push(command.inputs[0]?.options[1] ?? '');
      if (typeof look === 'string') return err(failure(look, 'Broken here.'));
      const [picture, luma] = command.outputs.map(({ path }) => path);
      if (look !== null) await writeFile(picture ?? '', `look ${seeks.length}`);
      const bytes = look === null ? [] : [...half(look.dark), ...half(look.bright)];
      await writeFile(luma ?? '', Uint8Array.from(bytes));
      return ok({ outTimeSec: 0 });
    },
    verify: () => Promise.resolve(ok({ durationSec: 0 })),
  };
}

function half(luma: number): readonly number[] {
  return Array<number>(512).fill(luma);
}

async function picked(looks: readonly Look[]): Promise<{ picture: string; looked: number }> {
  await using directory = await createTempDirectory();
  const tools = toolsSeeing(looks);
  const attempt = attemptOf(params, {
    inputs: [inputArtifact({ name: 'source', role: 'source' })],
    media: film(),
    outputDirectory: directory.path,
  });
  const outcome = await thumbnail(tools).run(attempt);
  if (!outcome.ok) throw new Error(outcome.error.code);
  return {
    picture: await readFile(join(directory.path, 'thumbnail.jpg'), 'utf8'),
    looked: tools.seeks.length,
  };
}

const black = { dark: 0, bright: 0 };
const dim = { dark: 0, bright: 20 };
const scene = { dark: 30, bright: 200 };

describe('thumbnail', () => {
  it('takes the first picture that shows something', async () => {
    expect(await picked([scene])).toEqual({ picture: 'look 1', looked: 1 });
  });

  it('looks elsewhere when the film is black at that place', async () => {
    expect(await picked([black, black, scene])).toEqual({ picture: 'look 3', looked: 3 });
  });

  it('gives the least black picture of a film that is black throughout', async () => {
    expect(await picked([black, dim, black, black, black])).toEqual({
      picture: 'look 2',
      looked: 5,
    });
  });

  it('goes on where there is no frame, or where the film is broken', async () => {
    expect(await picked([null, 'corrupt', scene])).toEqual({ picture: 'look 3', looked: 3 });
  });

  it('fails with the last reason when there is no picture at all', async () => {
    await expect(picked([null, null, null, null, 'corrupt'])).rejects.toThrow('corrupt');
  });

  it('does not look again when the machine, not the place, is at fault', async () => {
    await expect(picked(['storage', scene])).rejects.toThrow('storage');
  });
});
