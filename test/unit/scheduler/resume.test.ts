import { describe, expect, test } from 'vitest';
import { createJob } from '../../../src/scheduler/create-job.ts';
import type { JobState } from '../../../src/scheduler/job-state.ts';
import { resume } from '../../../src/scheduler/resume.ts';
import { planOf } from '../../fakes/plans.ts';
import { effectText, submitted } from './job-script.ts';
import type { JobScript } from './job-script.ts';

/** The job as a store gives it back, and what follows from it. */
function restart(script: JobScript): readonly string[] {
  const stored: JobState = JSON.parse(JSON.stringify(script.job));
  script.job = stored;
  for (const { id, phase } of script.job.nodes) if (phase === 'running') script.lose(id);
  return resume(script.job).map(effectText);
}

describe('a job that is taken up after a crash', () => {
  test('has its delayed nodes woken and its ready ones offered', () => {
    const script = submitted('a; b; c; d:c; e:a', {
      a: { retry: { attemptsMax: 2, backoffMs: 1000 } },
    });
    script.start('a');
    script.nowMs = 50;
    script.fail('a', 'tool');
    const { dueAtMs } = script.node('a');
    script.start('c');
    expect(restart(script)).toEqual([`wake a at ${dueAtMs}`, 'offer b #1', 'offer c #2']);
    expect(script.phases).toBe('running: a delayed, b ready, c ready, d waiting, e waiting');
  });

  test('offers with the figures of the moment', () => {
    const script = submitted('a; b:a');
    script.nowMs = 30;
    script.run('a');
    expect(resume(script.job)).toEqual([
      {
        type: 'offer-node',
        offer: {
          jobId: 'job',
          nodeId: 'b',
          attempt: 1,
          estimate: script.node('b').estimate,
          tenant: 'default',
          priority: 0,
          jobCreatedAtMs: 0,
          readyAtMs: 30,
          remainingPathSec: 1,
          remainingSpanSec: 1,
          jobRemainingSec: 1,
        },
      },
    ]);
  });

  test('ends when it was being cancelled', () => {
    const script = submitted('a; b:a');
    script.start('a');
    script.cancel();
    expect(restart(script)).toEqual([]);
    expect(script.phases).toBe('cancelled: a cancelled, b cancelled');
  });

  test('ends with its first cause when it was failing', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.fail('a', 'corrupt');
    expect(restart(script)).toEqual([]);
    expect(script.phases).toBe('failed: a failed, b cancelled');
    expect(script.job.failure?.code).toBe('corrupt');
  });

  test('needs nothing when it had ended', () => {
    const script = submitted('a');
    script.run('a');
    expect(restart(script)).toEqual([]);
  });

  test('needs nothing before it is submitted', () => {
    expect(resume(createJob({ id: 'job', plan: planOf('a'), priority: 0, atMs: 0 }))).toEqual([]);
  });

  test('goes on to the same end', () => {
    const script = submitted('a; b:a; c:a; d:b,c');
    script.run('a');
    script.start('b');
    restart(script);
    script.run('b', 'c', 'd');
    expect(script.phases).toBe('succeeded: a succeeded, b succeeded, c succeeded, d succeeded');
    expect(script.node('b').attempt).toBe(2);
  });
});
