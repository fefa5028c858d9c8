import { describe, expect, test } from 'vitest';
import { mebibyte } from '../../../src/base/units.ts';
import { expandPlan } from '../../../src/pipeline/expand-plan.ts';
import { fakeKinds } from '../../fakes/kinds.ts';
import { probeOf } from '../../fakes/probes.ts';
import { definitionText, planOf } from './definitions.ts';

const standard = planOf(definitionText('standard'));

describe('expanding the standard pipeline', () => {
  test('of a tall film with sound skips nothing', () => {
    const expansion = expandPlan(standard, probeOf(), fakeKinds);
    expect(expansion.skipped).toEqual({});
    expect(Object.keys(expansion.estimates)).toEqual(standard.nodes.map(({ id }) => id));
  });

  test('of a small film skips the rendition that would be larger', () => {
    const media = probeOf({ video: { displayWidth: 640, displayHeight: 360 } });
    expect(expandPlan(standard, media, fakeKinds).skipped).toEqual({
      'transcode-1080p': "the source's short side is 360, not > 720",
    });
  });

  test('of a portrait film judges by the short side', () => {
    const media = probeOf({ video: { displayWidth: 1080, displayHeight: 1920 } });
    expect(expandPlan(standard, media, fakeKinds).skipped).toEqual({});
  });

  test('of a silent film skips the audio, and leaves what depends on it to the scheduler', () => {
    expect(expandPlan(standard, probeOf({ audio: undefined }), fakeKinds).skipped).toEqual({
      'extract-audio': 'the source has no audio track',
    });
  });

  test('of a recording skips all pictures', () => {
    expect(expandPlan(standard, probeOf({ video: undefined }), fakeKinds).skipped).toEqual({
      thumbnail: 'the source has no video track',
      'transcode-720p': 'the source has no video track',
      'transcode-1080p': 'the source has no video track',
    });
  });

  test('gives skipped nodes no estimate', () => {
    const { estimates } = expandPlan(standard, probeOf({ audio: undefined }), fakeKinds);
    expect(estimates).not.toHaveProperty('extract-audio');
    expect(estimates).toHaveProperty('recognize-speech');
  });

  test('estimates again with what is known of the source', () => {
    const { estimates } = expandPlan(standard, probeOf({ durationSec: 600 }), fakeKinds);
    expect(estimates['transcode-720p']?.coreSeconds).toBe(600);
    expect(standard.nodes[3]?.estimate.coreSeconds).toBe(60);
  });
});

describe('expanding any plan', () => {
  test('applies the demand that the pipeline gives once more', () => {
    const plan = planOf(`
name: test
nodes:
  validate: {uses: validate}
  a: {uses: transcode, needs: [validate], with: {resolution: 720}, resources: {memory: 1 GiB, cores: 3}}
`);
    const { estimates } = expandPlan(plan, probeOf({ durationSec: 10 }), fakeKinds);
    expect(estimates['a']).toEqual({
      coreSeconds: 10,
      demand: { coresMin: 3, coresMax: 3, memoryBytes: 1024 * mebibyte, ioSlots: 0, gpus: 0 },
    });
  });

  test('keeps the planned estimate of a kind that is not there any more', () => {
    const { estimates } = expandPlan(standard, probeOf({ durationSec: 600 }), new Map());
    expect(estimates['transcode-720p']).toEqual(standard.nodes[3]?.estimate);
  });
});
