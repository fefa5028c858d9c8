import { expect, test } from 'vitest';
import { cpuSecondsOf } from '../../../src/processes/child-limits.ts';
import { startErrorOf } from '../../../src/processes/process-starter.ts';

test('CPU time is what the threads can use until the limit, whole, and never nothing', () => {
  expect(cpuSecondsOf(20_000, 1)).toBeGreaterThanOrEqual(20);
  expect(cpuSecondsOf(20_000, 4)).toBeGreaterThanOrEqual(80);
  for (const [timeoutMs, threads] of [
    [1, 1],
    [1234.5, 3],
    [0, 0],
    [-5, 1],
  ] as const) {
    const seconds = cpuSecondsOf(timeoutMs, threads);
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(Number.isInteger(seconds)).toBe(true);
  }
});

test('an errno becomes an error as spawn throws it', () => {
  expect(startErrorOf(['ffmpeg', '-i'], 13)).toMatchObject({
    message: 'spawn ffmpeg EACCES',
    code: 'EACCES',
    errno: -13,
    path: 'ffmpeg',
    spawnargs: ['-i'],
  });
  expect(startErrorOf(['x'], 4000).message).toBe('spawn x errno 4000');
});
