import { describe, expect, test } from 'vitest';
import { createJob } from '../../../src/scheduler/create-job.ts';
import { violations } from '../../../src/scheduler/invariants.ts';
import { estimateOf, planOf } from '../../fakes/plans.ts';

describe('a new job', () => {
  test('shows its whole graph, waiting', () => {
    const plan = planOf('a; b:a', { b: { estimate: estimateOf(7) } });
    const job = createJob({ id: 'job-1', plan, priority: 5, atMs: 77 });
    expect(job).toEqual({
      id: 'job-1',
      plan,
      params: {},
      tenant: 'default',
      usesCache: true,
      phase: 'queued',
      priority: 5,
      createdAtMs: 77,
      warnings: [],
      nodes: [
        { id: 'a', phase: 'waiting', attempt: 0, estimate: estimateOf(1), artifacts: [] },
        { id: 'b', phase: 'waiting', attempt: 0, estimate: estimateOf(7), artifacts: [] },
      ],
      isCancelling: false,
    });
    expect(violations(job)).toEqual([]);
  });

  test('survives JSON unchanged', () => {
    const job = createJob({ id: 'job-1', plan: planOf('a; b:a'), priority: 0, atMs: 0 });
    expect(JSON.parse(JSON.stringify(job))).toStrictEqual(job);
  });

  test('of a pipeline without nodes would never end, and is a bug', () => {
    const plan = { pipeline: 'nothing', nodes: [] };
    expect(() => createJob({ id: 'job-1', plan, priority: 0, atMs: 0 })).toThrow(
      'Internal error: the pipeline nothing has no nodes',
    );
  });
});
