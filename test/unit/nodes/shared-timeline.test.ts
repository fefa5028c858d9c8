import { describe, expect, it } from 'vitest';
import { sharedTimeline } from '../../../src/nodes/shared-timeline.ts';
import { film } from './sample-media.ts';

describe('sharedTimeline', () => {
  it('reads both tracks of a film whose times may jump', () => {
    expect(sharedTimeline({ ...film(), formatName: 'mpegts' })).toEqual(['0:0', '0:1']);
  });

  it('reads nothing more of other films: their time zero is that of the file', () => {
    expect(sharedTimeline({ ...film(), formatName: 'mov,mp4,m4a,3gp,3g2,mj2' })).toEqual([]);
  });

  it('reads nothing more where there is one track only', () => {
    const { audio: _dropped, ...silent } = film();
    expect(sharedTimeline({ ...silent, formatName: 'mpegts' })).toEqual([]);
  });
});
