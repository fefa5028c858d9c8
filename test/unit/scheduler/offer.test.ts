import { describe, expect, test } from 'vitest';
import { createJob } from '../../../src/scheduler/create-job.ts';
import { handle } from '../../../src/scheduler/handle.ts';
import { offersOf } from '../../../src/scheduler/offer.ts';
import { estimateOf, planOf } from '../../fakes/plans.ts';
import { submitted } from './job-script.ts';

describe('an offer', () => {
  test('carries all that ordering the starts needs', () => {
    const plan = planOf('a; b:a; c', {
      a: { estimate: estimateOf(4, { coresMax: 2 }) },
      b: { estimate: estimateOf(6, { coresMax: 3 }) },
      c: { estimate: estimateOf(5) },
    });
    const job = createJob({ id: 'job-1', plan, priority: -20, atMs: 100 });
    const after = handle(job, { type: 'job-submitted', atMs: 130 }).job;
    expect(offersOf(after)).toEqual([
      {
        jobId: 'job-1',
        nodeId: 'a',
        attempt: 1,
        estimate: estimateOf(4, { coresMax: 2 }),
        tenant: 'default',
        priority: -20,
        jobCreatedAtMs: 100,
        readyAtMs: 130,
        remainingPathSec: 10,
        remainingSpanSec: 4,
        jobRemainingSec: 15,
      },
      {
        jobId: 'job-1',
        nodeId: 'c',
        attempt: 1,
        estimate: estimateOf(5),
        tenant: 'default',
        priority: -20,
        jobCreatedAtMs: 100,
        readyAtMs: 130,
        remainingPathSec: 5,
        remainingSpanSec: 5,
        jobRemainingSec: 15,
      },
    ]);
  });

  test('is made of ready nodes only, and of those that are wanted', () => {
    const script = submitted('a; b; c; d:a');
    script.start('b');
    expect(offersOf(script.job).map(({ nodeId }) => nodeId)).toEqual(['a', 'c']);
    expect(offersOf(script.job, (index) => index > 0).map(({ nodeId }) => nodeId)).toEqual(['c']);
    expect(offersOf(script.job, () => false)).toEqual([]);
  });

  test('says since when the node waits: since its delay was over, else since its last end', () => {
    const script = submitted('a; b', { b: { retry: { attemptsMax: 3, backoffMs: 0 } } });
    script.nowMs = 10;
    script.start('a');
    script.start('b');
    script.nowMs = 20;
    script.fail('a', 'tool');
    script.fail('b', 'tool');
    const { dueAtMs } = script.node('a');
    script.nowMs = 90_000;
    script.due('a');
    expect(offersOf(script.job).map(({ readyAtMs }) => readyAtMs)).toEqual([dueAtMs, 20]);
  });

  test('says how often the node was lost with its worker, if it was', () => {
    const script = submitted('a; b');
    script.start('a');
    script.lose('a');
    script.start('a');
    script.lose('a');
    const [a, b] = offersOf(script.job);
    expect([a?.nodeId, a?.lostCount, b?.lostCount]).toEqual(['a', 2, undefined]);
  });
});
