import { describe, expect, test } from 'vitest';
import { ProgressReader } from '../../../src/ffmpeg/progress.ts';
import type { RunProgress } from '../../../src/ffmpeg/progress.ts';

function read(text: string): readonly RunProgress[] {
  const reader = new ProgressReader();
  return text
    .split('\n')
    .map((line) => reader.takeLine(line))
    .filter((progress) => progress !== undefined);
}

describe('progress lines', () => {
  test('of a current build give the time of the output', () => {
    const report = [
      'frame=50\nfps=0.00\nstream_0_0_q=-0.0\nbitrate=N/A\ntotal_size=2048',
      'out_time_us=2020136\nout_time_ms=2020136\nout_time=00:00:02.020136',
      'dup_frames=0\ndrop_frames=0\nspeed= 109x\nprogress=end\n',
    ].join('\n');
    expect(read(report)).toEqual([{ outTimeSec: 2.020136, mark: '50 2048 00:00:02.020136' }]);
  });

  test('of an older build, whose milliseconds are microseconds too, do as well', () => {
    expect(read('out_time_ms=1500000\nprogress=continue')[0]?.outTimeSec).toBe(1.5);
  });

  test('keep the last known time while ffmpeg knows none', () => {
    const text = 'out_time_us=1000000\nprogress=continue\nout_time_us=N/A\nprogress=end';
    expect(read(text).map(({ outTimeSec }) => outTimeSec)).toEqual([1, 1]);
  });

  test('take the smallest 64-bit number before the first packet for no time', () => {
    expect(read('out_time_us=-9223372036854775807\nprogress=continue')[0]?.outTimeSec).toBe(0);
  });

  test('count only when a report is complete', () => {
    expect(read('frame=1\nout_time_us=1000000')).toEqual([]);
  });

  test('that are something else are passed over', () => {
    expect(read('hello\n\n=\nprogress=continue')).toEqual([{ outTimeSec: 0, mark: '  ' }]);
  });
});
