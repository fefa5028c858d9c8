import { expect, test } from 'vitest';
import { mediaEnvironment } from '../../../src/ffmpeg/environment.ts';

test('the environment of ffmpeg is exactly a path, a locale and no character sets', () => {
  expect(mediaEnvironment('/usr/bin:/bin')).toEqual({
    PATH: '/usr/bin:/bin',
    LANG: 'C.UTF-8',
    GCONV_PATH: '/dev/null',
  });
});
