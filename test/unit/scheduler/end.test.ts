import { describe, expect, test } from 'vitest';
import { submitted } from './job-script.ts';

describe('a cancel', () => {
  test('ends a job that has not begun, at once', () => {
    const script = submitted('a; b:a');
    script.nowMs = 3;
    expect(script.cancel()).toEqual([
      'tell a cancelled #0',
      'tell b cancelled #0',
      'tell job cancelled',
      'withdraw a',
    ]);
    expect(script.job).toMatchObject({ endedAtMs: 3, isCancelling: false });
    expect(script.job).not.toHaveProperty('startedAtMs');
  });

  test('stops what runs, ends all that does not, and waits for the last attempt', () => {
    const script = submitted('a; b; c; d:a; e');
    script.run('e');
    script.start('a');
    script.start('b');
    script.fail('b', 'tool');
    expect(script.cancel()).toEqual([
      'tell b cancelled #1',
      'tell c cancelled #0',
      'tell d cancelled #0',
      'stop a #1',
      'withdraw c',
    ]);
    expect(script.phases).toBe(
      'running: a running, b cancelled, c cancelled, d cancelled, e succeeded',
    );
    expect(script.job.isCancelling).toBe(true);
    script.nowMs = 20;
    expect(script.stop('a')).toEqual(['tell a cancelled #1', 'tell job cancelled']);
    expect(script.job).toMatchObject({ phase: 'cancelled', endedAtMs: 20, isCancelling: false });
  });

  test('of a job that is failing comes too late: the first cause wins', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.fail('a', 'corrupt');
    expect(script.cancel()).toEqual([]);
    expect(script.stop('b')).toEqual(['tell b cancelled #1', 'tell job failed (a corrupt)']);
  });

  test('asks each attempt once to stop, however often it is requested', () => {
    const script = submitted('a');
    script.start('a');
    expect(script.cancel()).toEqual(['stop a #1']);
    expect(script.cancel()).toEqual([]);
  });
});

describe('a failing job', () => {
  test('stops its running siblings, ends what waits and keeps what is finished', () => {
    const script = submitted('a; b; c; d:b; e');
    script.run('e');
    script.start('a');
    script.start('b');
    expect(script.fail('a', 'corrupt')).toEqual([
      'tell a failed #1',
      'tell c cancelled #0',
      'tell d cancelled #0',
      'stop b #1',
      'withdraw c',
    ]);
    expect(script.phases).toBe(
      'running: a failed, b running, c cancelled, d cancelled, e succeeded',
    );
    expect(script.job.failure).toEqual({
      code: 'corrupt',
      message: 'It was corrupt.',
      nodeId: 'a',
    });
    script.nowMs = 12;
    expect(script.stop('b')).toEqual(['tell b cancelled #1', 'tell job failed (a corrupt)']);
    expect(script.job.endedAtMs).toBe(12);
  });

  test('drops the delays of its siblings', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.fail('b', 'tool');
    expect(script.fail('a', 'corrupt')).toEqual([
      'tell a failed #1',
      'tell b cancelled #1',
      'tell job failed (a corrupt)',
    ]);
    expect(script.node('b')).not.toHaveProperty('dueAtMs');
  });
});

describe('the end', () => {
  test('comes with the last node, once', () => {
    const script = submitted('a; b');
    script.run('a');
    script.start('b');
    script.nowMs = 8;
    expect(script.succeed('b')).toEqual(['tell b succeeded #1', 'tell job succeeded']);
    expect(script.job.endedAtMs).toBe(8);
  });
});
