import { describe, expect, it } from 'vitest';
import { describeProducts } from '../../../src/nodes/manifest.ts';
import { inputArtifact, jobId } from '../../support/node-attempt.ts';
import { film } from './sample-media.ts';

const sha256 = 'cd'.repeat(32);

describe('describeProducts', () => {
  it('lists the products with what is known of them, and the source as a viewer knows it', () => {
    const products = [
      {
        artifact: inputArtifact({
          name: '720p.mp4',
          role: 'rendition',
          mediaType: 'video/mp4',
          bytes: 1_000_000,
          sha256,
        }),
        facts: { width: 1280, height: 720, durationSec: 10.0004 },
      },
      {
        artifact: inputArtifact({
          name: 'captions.vtt',
          role: 'captions',
          mediaType: 'text/vtt',
          bytes: 99,
          sha256,
        }),
        facts: {},
      },
    ];
    const media = film({ framesPerSecond: 30_000 / 1001 }, { language: 'eng' });
    expect(describeProducts(jobId, media, products)).toEqual({
      version: 1,
      createdBy: 'reelgraph',
      jobId,
      source: {
        durationSec: 10,
        bytes: 1_000_000,
        video: { codec: 'hevc', width: 1920, height: 1080, framesPerSecond: 29.97 },
        audio: { codec: 'aac', channels: 2, sampleRateHz: 44_100, language: 'eng' },
      },
      products: [
        {
          name: '720p.mp4',
          role: 'rendition',
          mediaType: 'video/mp4',
          bytes: 1_000_000,
          sha256,
          width: 1280,
          height: 720,
          durationSec: 10,
          bitrateBps: 799_968,
        },
        { name: 'captions.vtt', role: 'captions', mediaType: 'text/vtt', bytes: 99, sha256 },
      ],
    });
  });
});
