import { describe, expect, test } from 'vitest';
import { planOf } from '../../fakes/plans.ts';
import { JobScript, submitted } from './job-script.ts';

describe('a submitted job', () => {
  test('offers every node that needs nothing, in the order of the plan', () => {
    const script = new JobScript(planOf('b; a; c:a'));
    expect(script.submit()).toEqual([
      'tell job queued',
      'tell b ready #0',
      'tell a ready #0',
      'offer b #1',
      'offer a #1',
    ]);
    expect(script.phases).toBe('queued: b ready, a ready, c waiting');
  });

  test('is not offered again when it is submitted again after a start', () => {
    const script = submitted('a; b');
    script.start('a');
    expect(script.submit()).toEqual([]);
  });

  test('that was cancelled before stays cancelled', () => {
    const script = new JobScript(planOf('a; b:a'));
    expect(script.cancel()).toEqual([
      'tell a cancelled #0',
      'tell b cancelled #0',
      'tell job cancelled',
    ]);
    expect(script.submit()).toEqual([]);
    expect(script.phases).toBe('cancelled: a cancelled, b cancelled');
  });
});

describe('a start', () => {
  test('of the first node sets the job going, and later ones leave its start as it is', () => {
    const script = submitted('a; b');
    script.nowMs = 7;
    expect(script.start('b', 4)).toEqual(['tell job running', 'tell b running #1 on 4']);
    script.nowMs = 8;
    expect(script.start('a')).toEqual(['tell a running #1 on 1']);
    expect(script.job.startedAtMs).toBe(7);
    expect(script.node('b')).toMatchObject({ startedAtMs: 7, cores: 4, attempt: 1 });
  });

  test('on no cores is told with its budget of zero', () => {
    const script = submitted('a');
    expect(script.start('a', 0)).toContain('tell a running #1 on 0');
  });

  test('that comes after a cancel has its child ended', () => {
    const script = submitted('a; b');
    script.start('b');
    script.cancel();
    expect(script.start('a')).toEqual(['stop a #1']);
    expect(script.node('a')).toMatchObject({ phase: 'cancelled', attempt: 0 });
  });

  test('of a retry forgets the delay and the end of the attempt before, not its failure', () => {
    const script = submitted('a');
    script.start('a', 2);
    script.nowMs = 100;
    script.fail('a', 'tool');
    script.nowMs = 5000;
    script.due('a');
    script.nowMs = 5001;
    script.start('a', 3);
    const { queuedAtMs, startedAtMs, endedAtMs, dueAtMs, failure, cores } = script.node('a');
    expect({ queuedAtMs, startedAtMs, endedAtMs, dueAtMs, cores }).toEqual({
      queuedAtMs: 0,
      startedAtMs: 5001,
      endedAtMs: undefined,
      dueAtMs: undefined,
      cores: 3,
    });
    expect(failure?.code).toBe('tool');
  });
});

describe('a due retry', () => {
  function delayed(): JobScript {
    const script = submitted('a; b', { a: { retry: { attemptsMax: 3, backoffMs: 1000 } } });
    script.start('a');
    script.fail('a', 'timeout');
    return script;
  }

  test('is offered as the next attempt', () => {
    const script = delayed();
    script.nowMs = script.node('a').dueAtMs ?? Number.NaN;
    expect(script.due('a')).toEqual(['tell a ready #1', 'offer a #2']);
  });

  test('is offered once, however often its timer fires', () => {
    const script = delayed();
    script.nowMs = 60_000;
    script.due('a');
    expect(script.due('a')).toEqual([]);
  });

  test('whose timer fires early is waited for again', () => {
    const script = delayed();
    const dueAtMs = script.node('a').dueAtMs ?? Number.NaN;
    script.nowMs = dueAtMs - 1;
    expect(script.due('a')).toEqual([`wake a at ${dueAtMs}`]);
    expect(script.node('a').phase).toBe('delayed');
  });

  test('is dropped when the job was cancelled meanwhile', () => {
    const script = delayed();
    script.cancel();
    script.nowMs = 60_000;
    expect(script.due('a')).toEqual([]);
    expect(script.node('a')).toMatchObject({ phase: 'cancelled', attempt: 1 });
    expect(script.node('a').dueAtMs).toBeUndefined();
  });
});
