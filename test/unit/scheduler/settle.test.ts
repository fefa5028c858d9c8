import { describe, expect, test } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import { lostCountMax } from '../../../src/scheduler/settle.ts';
import { submitted } from './job-script.ts';

describe('a success', () => {
  test('makes the artifacts of the attempt those of the node', () => {
    const script = submitted('a; b:a');
    script.start('a');
    script.succeed('a', { roles: ['audio', 'speech'] });
    expect(script.node('a').artifacts.map(({ role }) => role)).toEqual(['audio', 'speech']);
  });

  test('takes its warnings to the job, after those that are there', () => {
    const script = submitted('a; b');
    const warn = (nodeId: string) => [{ code: 'vfr', message: `Of ${nodeId}.`, nodeId }];
    script.start('a');
    script.start('b');
    script.succeed('b', { warnings: warn('b') });
    expect(script.succeed('a', { warnings: warn('a') })).toEqual([
      'tell a succeeded #1',
      'warn a vfr',
      'tell job succeeded',
    ]);
    expect(script.job.warnings).toEqual([...warn('b'), ...warn('a')]);
  });

  test('after a retry leaves no trace of the failure before', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 2, backoffMs: 0 } } });
    script.start('a');
    script.fail('a', 'tool');
    script.run('a');
    expect(script.node('a')).not.toHaveProperty('failure');
    expect(script.phases).toBe('succeeded: a succeeded');
  });

  test('while the job is being cancelled is dropped with its artifacts: cancel wins', () => {
    const script = submitted('a; b:a');
    script.start('a');
    script.cancel();
    const warnings = [{ code: 'vfr', message: 'Varies.', nodeId: 'a' }];
    expect(script.succeed('a', { roles: ['audio'], warnings })).toEqual([
      'tell a cancelled #1',
      'tell job cancelled',
    ]);
    expect(script.node('a').artifacts).toEqual([]);
    expect(script.job.warnings).toEqual([]);
  });

  test('while the job is failing is kept for a retry, and starts nothing', () => {
    const script = submitted('x; a; b:a');
    script.start('x');
    script.start('a');
    script.fail('x', 'corrupt');
    expect(script.succeed('a', { roles: ['audio'] })).toEqual([
      'tell a succeeded #1',
      'tell job failed (x corrupt)',
    ]);
    expect(script.node('a').artifacts).toHaveLength(1);
    expect(script.phases).toBe('failed: x failed, a succeeded, b cancelled');
  });
});

describe('a failure that is worth another attempt', () => {
  test('delays the node until its back-off is over', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 3, backoffMs: 2000 } } });
    script.start('a');
    script.nowMs = 500;
    const effects = script.fail('a', 'stalled');
    const { dueAtMs, failure: cause, endedAtMs, phase } = script.node('a');
    expect(dueAtMs).toBeGreaterThanOrEqual(2500);
    expect(dueAtMs).toBeLessThanOrEqual(3000);
    expect(effects).toEqual(['tell a delayed #1', `wake a at ${dueAtMs}`]);
    expect({ cause, endedAtMs, phase }).toEqual({
      cause: failure('stalled', 'It was stalled.'),
      endedAtMs: 500,
      phase: 'delayed',
    });
    expect(script.job).not.toHaveProperty('failure');
  });

  test('offers the node again at once when there is no back-off', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 2, backoffMs: 0 } } });
    script.start('a');
    expect(script.fail('a', 'tool')).toEqual(['tell a ready #1', 'offer a #2']);
    expect(script.node('a').failure?.code).toBe('tool');
  });

  test('leaves the running siblings alone', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    expect(script.fail('a', 'resource')).not.toContain('stop b #1');
    expect(script.node('b').phase).toBe('running');
  });

  test('is final with the last attempt', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 2, backoffMs: 0 } } });
    script.start('a');
    script.fail('a', 'tool');
    script.start('a');
    expect(script.fail('a', 'timeout')).toEqual([
      'tell a failed #2',
      'tell job failed (a timeout)',
    ]);
    expect(script.node('a').failure?.code).toBe('timeout');
  });
});

describe('a final failure', () => {
  test('fails the job and keeps the whole cause', () => {
    const script = submitted('a; b:a');
    script.start('a');
    const cause = failure('corrupt', 'The file is damaged.', 'moov atom not found');
    script.nowMs = 9;
    const effects = script.apply({
      type: 'attempt-failed',
      atMs: 9,
      nodeId: 'a',
      attempt: 1,
      failure: cause,
    });
    expect(effects).toEqual([
      'tell a failed #1',
      'tell b cancelled #0',
      'tell job failed (a corrupt)',
    ]);
    expect(script.node('a').failure).toEqual(cause);
    expect(script.job).toMatchObject({ failure: { ...cause, nodeId: 'a' }, endedAtMs: 9 });
  });

  test('of an optional node is a warning, and its dependents run', () => {
    const script = submitted('a?; b:a');
    script.start('a');
    expect(script.fail('a', 'model_missing')).toEqual([
      'tell a failed #1',
      'warn a model_missing',
      'tell b ready #0',
      'offer b #1',
    ]);
    expect(script.job.warnings).toEqual([
      {
        code: 'model_missing',
        message: '"a" failed, and the job went on without it: It was model_missing.',
        nodeId: 'a',
      },
    ]);
    script.run('b');
    expect(script.job.phase).toBe('succeeded');
    expect(script.job).not.toHaveProperty('failure');
  });

  test('of an optional node that is the last one ends the job well', () => {
    const script = submitted('a?');
    script.start('a');
    expect(script.fail('a', 'internal')).toEqual([
      'tell a failed #1',
      'warn a internal',
      'tell job succeeded',
    ]);
  });

  test('says nothing of an operator’s detail in the warning', () => {
    const script = submitted('a?; b:a');
    script.start('a');
    script.apply({
      type: 'attempt-failed',
      atMs: 0,
      nodeId: 'a',
      attempt: 1,
      failure: failure('internal', 'It broke.', 'secret command'),
    });
    expect(JSON.stringify(script.job.warnings)).not.toContain('secret');
  });

  test('while the job is being cancelled counts as the cancel', () => {
    const script = submitted('a');
    script.start('a');
    script.cancel();
    expect(script.fail('a', 'corrupt')).toEqual(['tell a cancelled #1', 'tell job cancelled']);
    expect(script.node('a')).not.toHaveProperty('failure');
  });

  test('while the job is failing does not take the place of the first cause', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.fail('a', 'corrupt');
    expect(script.fail('b', 'internal')).toEqual([
      'tell b failed #1',
      'tell job failed (a corrupt)',
    ]);
    expect(script.node('b').failure?.code).toBe('internal');
  });

  test('that only says that it was stopped, while the job is failing, is no failure', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.fail('a', 'corrupt');
    script.fail('b', 'cancelled');
    expect(script.phases).toBe('failed: a failed, b cancelled');
  });

  test('of an optional node while the job is failing adds no warning', () => {
    const script = submitted('a; b?');
    script.start('a');
    script.start('b');
    script.fail('a', 'corrupt');
    script.fail('b', 'internal');
    expect(script.job.warnings).toEqual([]);
  });
});

describe('a lost attempt', () => {
  test('is offered again at once', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 3, backoffMs: 60_000 } } });
    script.start('a');
    script.nowMs = 70;
    expect(script.lose('a')).toEqual(['tell a ready #1', 'offer a #2']);
    expect(script.node('a')).toMatchObject({
      failure: failure('lost', 'The worker that ran "a" is gone.'),
      endedAtMs: 70,
      lostCount: 1,
      excusedCount: 1,
    });
  });

  test('uses up no retry, and leaves the delays as they would have been', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 2, backoffMs: 1000 } } });
    for (let lost = 0; lost < 5; lost += 1) {
      script.start('a');
      script.lose('a');
    }
    script.start('a');
    script.fail('a', 'tool');
    const { phase, dueAtMs = 0 } = script.node('a');
    expect(phase).toBe('delayed');
    expect(dueAtMs - script.nowMs).toBeLessThan(1300);
    script.nowMs = dueAtMs;
    script.apply({ type: 'retry-due', atMs: dueAtMs, nodeId: 'a' });
    script.start('a');
    script.fail('a', 'tool');
    expect(script.job).toMatchObject({ phase: 'failed', failure: { code: 'tool' } });
  });

  test('of a node that takes every worker down with it fails the job in the end', () => {
    const script = submitted('a');
    for (let lost = 0; lost < lostCountMax; lost += 1) {
      script.start('a');
      script.lose('a');
    }
    script.start('a');
    expect(script.lose('a')).toEqual(['tell a failed #6', 'tell job failed (a lost)']);
  });

  test('too many of an optional node are a warning', () => {
    const script = submitted('a?; b:a');
    for (let lost = 0; lost < lostCountMax; lost += 1) {
      script.start('a');
      script.lose('a');
    }
    script.start('a');
    expect(script.lose('a')).toEqual([
      'tell a failed #6',
      'warn a lost',
      'tell b ready #0',
      'offer b #1',
    ]);
  });

  test('of a job that is ending counts as stopped', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.fail('a', 'corrupt');
    expect(script.lose('b')).toEqual(['tell b cancelled #1', 'tell job failed (a corrupt)']);
  });

  test('that ends after all changes nothing: a newer one has its place', () => {
    const script = submitted('a');
    script.start('a');
    script.lose('a');
    const late = { atMs: 5, nodeId: 'a', attempt: 1 };
    expect(
      script.apply({ type: 'attempt-succeeded', ...late, artifacts: [], warnings: [] }),
    ).toEqual([]);
    script.start('a');
    expect(
      script.apply({ type: 'attempt-succeeded', ...late, artifacts: [], warnings: [] }),
    ).toEqual([]);
    expect(script.node('a')).toMatchObject({ phase: 'running', attempt: 2 });
  });
});

describe('a stopped attempt', () => {
  test('that the core asked for is cancelled', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.cancel();
    expect(script.stop('a')).toEqual(['tell a cancelled #1']);
    expect(script.job.phase).toBe('running');
    expect(script.stop('b')).toEqual(['tell b cancelled #1', 'tell job cancelled']);
  });

  test('that nobody asked for is one that was handed back', () => {
    const script = submitted('a');
    script.start('a');
    expect(script.stop('a')).toEqual(['tell a ready #1', 'offer a #2']);
    expect(script.node('a')).toMatchObject({ excusedCount: 1 });
    expect(script.node('a')).not.toHaveProperty('lostCount');
  });
});

describe('a released attempt', () => {
  test('is offered again at once, as if it had not been made', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 1, backoffMs: 60_000 } } });
    script.start('a');
    script.nowMs = 70;
    expect(script.release('a')).toEqual(['tell a ready #1', 'offer a #2']);
    const { phase, attempt, excusedCount, endedAtMs } = script.node('a');
    expect({ phase, attempt, excusedCount, endedAtMs }).toEqual({
      phase: 'ready',
      attempt: 1,
      excusedCount: 1,
      endedAtMs: 70,
    });
    expect(script.node('a')).not.toHaveProperty('failure');
    expect(script.node('a')).not.toHaveProperty('lostCount');
  });

  test('may come as often as the service is stopped', () => {
    const script = submitted('a');
    for (let count = 0; count < 4 * lostCountMax; count += 1) {
      script.start('a');
      script.release('a');
    }
    script.run('a');
    expect(script.phases).toBe('succeeded: a succeeded');
  });

  test('keeps the count of lost ones as it was', () => {
    const script = submitted('a');
    script.start('a');
    script.lose('a');
    script.start('a');
    script.release('a');
    expect(script.node('a')).toMatchObject({ lostCount: 1, excusedCount: 2 });
  });

  test('of a job that is ending is cancelled', () => {
    const cancelled = submitted('a; b:a');
    cancelled.start('a');
    cancelled.cancel();
    expect(cancelled.release('a')).toEqual(['tell a cancelled #1', 'tell job cancelled']);
    const failed = submitted('a; b');
    failed.start('a');
    failed.start('b');
    failed.fail('a', 'corrupt');
    expect(failed.release('b')).toEqual(['tell b cancelled #1', 'tell job failed (a corrupt)']);
  });

  test('that is not the current one changes nothing', () => {
    const script = submitted('a');
    script.start('a');
    script.release('a');
    const { job } = script;
    expect(script.release('a')).toEqual([]);
    expect(script.job).toBe(job);
  });
});
