import { describe, expect, it } from 'vitest';
import { toSubRip } from '../../../src/nodes/subrip.ts';

describe('toSubRip', () => {
  it('writes numbers, times and lines', () => {
    const cues = [
      { startMs: 300, endMs: 1240, lines: ['hello world'] },
      { startMs: 3_600_000, endMs: 3_601_500, lines: ['two', 'lines'] },
    ];
    expect(toSubRip(cues)).toBe(
      [
        '1',
        '00:00:00,300 --> 00:00:01,240',
        'hello world',
        '',
        '2',
        '01:00:00,000 --> 01:00:01,500',
        'two',
        'lines',
        '',
      ].join('\n'),
    );
  });

  it('holds no arrow but those between times', () => {
    const text = toSubRip([{ startMs: 0, endMs: 1, lines: ['a --> b ----> c'] }]);
    expect(text).toBe('1\n00:00:00,000 --> 00:00:00,001\na -> b -> c\n');
  });
});
