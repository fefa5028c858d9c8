import { expect, test } from 'vitest';
import { quantile } from '../bench/statistics.ts';
import { createTempDirectory } from '../support/temp-directory.ts';
import { killAtRandom, prepareMixedFiles } from './random-kills.ts';
import { prepareSmallWork } from './small-work.ts';

/** Five rounds of real encoding on a machine that others use as well. */
const roundsTimeoutMs = 300_000;

/** A restart takes so many times as long as the first start, on nothing, of the same run at most. */
const readyFactorMax = 5;

test(
  'a service that is killed at random under mixed load finishes everything, once',
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    await using directory = await createTempDirectory();
    const work = await prepareSmallWork(directory.path);
    const files = await prepareMixedFiles(directory.path, work);
    // Each finding names the seed and the round.
    const report = await killAtRandom({ work, files, rounds: 5, seed });
    expect(report.findings).toEqual([]);
    expect(report.doneTwice).toBe(0);
    expect(report.jobs).toBeGreaterThan(5);
    expect(report.killed).toBeGreaterThan(0);
    const readyMsMax = readyFactorMax * report.emptyReadyMs;
    expect(quantile(report.readyMs, 0.5)).toBeLessThan(readyMsMax);
  },
  roundsTimeoutMs,
);
