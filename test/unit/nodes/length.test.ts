import { describe, expect, it } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import {
  checkLength,
  explainInvalid,
  lengthBounds,
  videoLengthBounds,
} from '../../../src/nodes/length.ts';
import { film } from './sample-media.ts';

describe('checkLength', () => {
  const bounds = lengthBounds(10, film());

  it.each([8.5, 10, 13.5])('accepts %d s of a film of 10 s', (seconds) => {
    expect(checkLength(seconds, bounds).ok).toBe(true);
  });

  it('calls half a film truncated, and says how much there was', () => {
    const result = checkLength(5, bounds);
    expect(result).toMatchObject({ ok: false, error: { code: 'truncated' } });
    expect(!result.ok && result.error.message).toContain('5.0 s could be decoded of the 10.0 s');
  });

  it('calls a film corrupt whose times run away', () => {
    expect(checkLength(18_000, bounds)).toMatchObject({ ok: false, error: { code: 'corrupt' } });
  });

  it('lets a track end as late as the longest one', () => {
    const late = lengthBounds(2, { ...film(), durationSec: 10 });
    expect(checkLength(10, late).ok).toBe(true);
  });

  it('lets slides miss the duration of the last one', () => {
    const slides = film({ framesPerSecond: 0.25, durationSec: 8 });
    expect(checkLength(4, videoLengthBounds(slides.video, slides)).ok).toBe(true);
  });

  it('does not let a film miss nearly all of itself, however few frames it declares', () => {
    const lie = film({ framesPerSecond: 6e-6, durationSec: 4 });
    expect(checkLength(0, videoLengthBounds(lie.video, lie)).ok).toBe(false);
  });
});

describe('explainInvalid', () => {
  const invalid = failure('invalid_output', 'It is empty.');

  it('blames the source where nothing was decoded', () => {
    expect(explainInvalid(invalid, { outTimeSec: 0 }).code).toBe('corrupt');
  });

  it('lets an output be tried again where something was', () => {
    expect(explainInvalid(invalid, { outTimeSec: 1 })).toBe(invalid);
  });

  it('keeps what is known to have another cause', () => {
    const cancelled = failure('cancelled', 'The work was stopped.');
    expect(explainInvalid(cancelled, { outTimeSec: 0 })).toBe(cancelled);
  });
});
