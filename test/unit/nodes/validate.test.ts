import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import type { Failure } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Result } from '../../../src/base/result.ts';
import type { MediaTools } from '../../../src/ffmpeg/media-tools.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import { validate } from '../../../src/nodes/validate.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';
import type { TempDirectory } from '../../support/temp-directory.ts';
import { attemptOf } from '../../support/node-attempt.ts';
import { film } from './sample-media.ts';

const sha256 = 'ab'.repeat(32);

function probing(probe: Result<MediaProbe, Failure>): MediaTools {
  return {
    probe: () => Promise.resolve(probe),
    run: () => Promise.reject(new Error('nothing to run')),
    verify: () => Promise.reject(new Error('nothing to verify')),
  };
}

function run(directory: TempDirectory, probe: Result<MediaProbe, Failure>, upload = 'in') {
  return validate(probing(probe)).run(
    attemptOf(
      {},
      {
        inputs: [],
        outputDirectory: directory.path,
        upload: { path: join(directory.path, upload), bytes: 4, sha256 },
      },
    ),
  );
}

describe('validate', () => {
  it('gives the upload a second name, its digest and its probe', async () => {
    await using directory = await createTempDirectory();
    await writeFile(join(directory.path, 'in'), 'film');
    const media = film();
    expect(await run(directory, ok(media))).toEqual(
      ok({ files: [{ name: 'source', sha256 }], media }),
    );
    const [upload, source] = await Promise.all(
      ['in', 'source'].map((name) => stat(join(directory.path, name))),
    );
    expect(source?.ino).toBe(upload?.ino);
    expect(await readFile(join(directory.path, 'source'), 'utf8')).toBe('film');
  });

  it('passes on why a file can’t be used', async () => {
    await using directory = await createTempDirectory();
    const problem = failure('limit_duration', 'Too long.');
    expect(await run(directory, err(problem))).toEqual(err(problem));
  });

  it('refuses a file with neither pictures nor sound', async () => {
    await using directory = await createTempDirectory();
    const { video: _video, audio: _audio, ...nothing } = film();
    expect(await run(directory, ok(nothing))).toMatchObject({
      ok: false,
      error: { code: 'unsupported_format' },
    });
  });

  it('never follows a symbolic link', async () => {
    await using directory = await createTempDirectory();
    await writeFile(join(directory.path, 'secret'), 'secret');
    await symlink('secret', join(directory.path, 'link'));
    await expect(run(directory, ok(film()), 'link')).rejects.toThrow('not a regular file');
  });
});
