import { describe, expect, test } from 'vitest';
import { operatorDetail } from '../../../src/processes/operator-detail.ts';

const argv = ['/usr/bin/ffmpeg', '-i', 'file:/data/a b'];

describe('the detail for the operator', () => {
  test('is the command to paste, how it ended, and what it said', () => {
    expect(operatorDetail({ argv, exit: { code: 1 }, stderr: 'no such file\n' })).toBe(
      "/usr/bin/ffmpeg -i 'file:/data/a b'\nexit code 1\nno such file",
    );
  });

  test('holds the last lines only, and of those not more than their limit', () => {
    const stderr = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
    const detail = operatorDetail({ argv, exit: { code: 1 }, stderr });
    expect(detail).toContain('line 99');
    expect(detail).toContain('line 80');
    expect(detail).not.toContain('line 79');
    const long = operatorDetail({ argv, exit: { code: 1 }, stderr: 'x'.repeat(60_000) });
    expect(long.length).toBeLessThan(5000);
  });
});
