import { describe, expect, test } from 'vitest';
import { parseCondition } from '../../../src/pipeline/condition-text.ts';
import { whyUnmet } from '../../../src/pipeline/evaluate-condition.ts';
import type { MediaProbe } from '../../../src/graph/media-probe.ts';
import { probeOf } from '../../fakes/probes.ts';

function reason(text: string, media: MediaProbe): string | undefined {
  const condition = parseCondition(text);
  if (!condition.ok) throw new Error(condition.error.message);
  return whyUnmet(condition.value, media);
}

const film = probeOf({ video: { displayWidth: 640, displayHeight: 360 } });
const portrait = probeOf({ video: { displayWidth: 1080, displayHeight: 1920 } });
const silent = probeOf({ audio: undefined });
const recording = probeOf({ video: undefined });

describe('a condition that holds', () => {
  test.each([
    ['media.video', film],
    ['media.audio && media.video', film],
    ['!media.audio', silent],
    ['!media.video && media.channels == 2', recording],
    ['media.shortSide == 1080', portrait],
    ['media.width == 1080 && media.height == 1920', portrait],
    ['media.durationSec >= 60 && media.durationSec <= 60', film],
    ['media.framesPerSecond < 26 && media.framesPerSecond > 24', film],
    ['media.channels != 6', film],
  ])('gives no reason: %s', (text, media) => {
    expect(reason(text, media)).toBeUndefined();
  });
});

describe('a condition that does not hold', () => {
  test.each([
    ['media.audio', silent, 'the source has no audio track'],
    ['media.video', recording, 'the source has no video track'],
    ['!media.audio', film, 'the source has an audio track'],
    ['!media.video', film, 'the source has a video track'],
    ['media.shortSide > 720', film, "the source's short side is 360, not > 720"],
    ['media.width >= 1281', portrait, "the source's width is 1080, not >= 1281"],
    ['media.height < 5', film, "the source's height is 360, not < 5"],
    ['media.durationSec <= 59.5', film, "the source's length in seconds is 60, not <= 59.5"],
    ['media.channels == 6', film, "the source's channel count is 2, not == 6"],
    ['media.channels != 2', film, "the source's channel count is 2, not != 2"],
    ['media.channels < 9', silent, 'the source has no audio track'],
    ['media.shortSide != 720', recording, 'the source has no video track'],
  ])('says why: %s', (text, media, why) => {
    expect(reason(text, media)).toBe(why);
  });

  test('names the first part that does not hold', () => {
    expect(reason('media.audio && media.video && media.width > 9', recording)).toBe(
      'the source has no video track',
    );
  });

  test('rounds long numbers for people', () => {
    const film24 = probeOf({ video: { framesPerSecond: 24_000 / 1001 } });
    expect(reason('media.framesPerSecond > 25', film24)).toBe(
      "the source's frame rate is 23.976, not > 25",
    );
  });
});
