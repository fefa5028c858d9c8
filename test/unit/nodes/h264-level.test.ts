import { describe, expect, it } from 'vitest';
import { h264Level } from '../../../src/nodes/h264-level.ts';

describe('h264Level', () => {
  it.each([
    [640, 360, 30, '3.0'],
    [1280, 720, 30, '3.1'],
    [1280, 720, 60, '3.2'],
    [720, 1280, 30, '3.1'],
    [1920, 1080, 30, '4.0'],
    [1920, 1080, 60, '4.2'],
    [1920, 1080, 240, '5.2'],
    [3840, 2160, 30, '5.1'],
    [3840, 2160, 60, '5.2'],
    [7680, 4320, 30, '6.0'],
    [7680, 4320, 120, '6.2'],
    // Few pixels, but a side longer than lower levels allow.
    [8192, 64, 25, '5.1'],
  ])(
    'puts %i×%i at %i frames per second into level %s',
    (...[width, height, framesPerSecond, level]) => {
      expect(h264Level({ width, height }, framesPerSecond)).toBe(level);
    },
  );
});
