import { describe, expect, test } from 'vitest';
import { violations } from '../../../src/scheduler/invariants.ts';
import type { JobState, NodeRecord } from '../../../src/scheduler/job-state.ts';
import { artifactOf } from '../../fakes/random-jobs.ts';
import { submitted } from './job-script.ts';

const failure = { code: 'corrupt', message: 'The file is damaged.' } as const;

/** A field that a record may lack. */
type AbsentField = 'failure' | 'dueAtMs' | 'startedAtMs' | 'endedAtMs' | 'cores' | 'queuedAtMs';

/** What is found in a job of which some fields are wrong. */
function found(job: JobState, faults: Partial<JobState>): readonly string[] {
  return violations({ ...job, ...faults });
}

/** What is found in a job where some fields of `b` are wrong, or one is missing. */
function foundInB(job: JobState, fault: Partial<NodeRecord> | AbsentField): readonly string[] {
  const nodes = job.nodes.map((record) => (record.id === 'b' ? broken(record, fault) : record));
  return violations({ ...job, nodes });
}

function broken(record: NodeRecord, fault: Partial<NodeRecord> | AbsentField): NodeRecord {
  if (typeof fault !== 'string') return { ...record, ...fault };
  const copy: { -readonly [Key in keyof NodeRecord]: NodeRecord[Key] } = { ...record };
  delete copy[fault];
  return copy;
}

/** Jobs in all their phases, each with an `a` that has succeeded and a `b` that needs it. */
function samples() {
  const ready = submitted('a; b:a');
  ready.run('a');
  const running = submitted('a; b:a');
  running.run('a');
  running.start('b');
  const delayed = submitted('a; b:a');
  delayed.run('a');
  delayed.start('b');
  delayed.fail('b', 'tool');
  const failing = submitted('a; b:a; x');
  failing.run('a');
  failing.start('b');
  failing.start('x');
  failing.fail('b', 'corrupt');
  const succeeded = submitted('a; b:a');
  succeeded.run('a', 'b');
  const failed = submitted('a; b:a');
  failed.run('a');
  failed.start('b');
  failed.fail('b', 'corrupt');
  const cancelled = submitted('a; b:a');
  cancelled.run('a');
  cancelled.cancel();
  const waiting = submitted('a; b:a');
  const retried = submitted('a; b:a');
  retried.run('a', 'b');
  retried.retry({ nodeIds: ['a'] });
  const released = submitted('a; b:a');
  released.run('a');
  released.start('b');
  released.release('b');
  return {
    retried: retried.job,
    released: released.job,
    waiting: waiting.job,
    ready: ready.job,
    running: running.job,
    delayed: delayed.job,
    failing: failing.job,
    succeeded: succeeded.job,
    failed: failed.job,
    cancelled: cancelled.job,
  };
}

const jobs = samples();

describe('a sound job', () => {
  test.each(Object.entries(jobs))('that is %s has nothing to be told', (_name, job) => {
    expect(violations(job)).toEqual([]);
  });
});

describe('a record', () => {
  test('has to be that of its node', () => {
    const [a, b] = jobs.ready.nodes;
    expect(violations({ ...jobs.ready, nodes: [b!, a!] })).toContain(
      'the records are not those of the plan',
    );
  });

  test.each<[string, JobState, Partial<NodeRecord> | AbsentField]>([
    ['has made more attempts than it may', jobs.running, { attempt: 3 }],
    ['excuses attempts that it has not made', jobs.running, { excusedCount: 2 }],
    ['lost attempts that are not excused', jobs.running, { lostCount: 1 }],
    [
      'has artifacts without having succeeded',
      jobs.running,
      { artifacts: [artifactOf('b', 'audio')] },
    ],
    ['is failed without a failure', jobs.failed, 'failure'],
    ['is skipped without a reason', jobs.succeeded, { phase: 'skipped' }],
    ['has a reason to be skipped but is not', jobs.succeeded, { skipReason: 'No.' }],
    ['is delayed for ever', jobs.delayed, 'dueAtMs'],
    ['is due without waiting', jobs.running, { dueAtMs: 5 }],
    ['runs without a start', jobs.running, 'startedAtMs'],
    ['runs without a start', jobs.running, { attempt: 0 }],
    ['runs on an unknown number of cores', jobs.running, 'cores'],
    ['runs although it has ended', jobs.running, { endedAtMs: 9 }],
    ['has ended at no time', jobs.succeeded, 'endedAtMs'],
    ['has a result without an attempt', jobs.succeeded, { attempt: 0 }],
    ['has a result without an attempt', jobs.succeeded, { excusedCount: 1 }],
    ['has no attempt left', jobs.delayed, { attempt: 2 }],
    ['was started before it was ready', jobs.running, 'queuedAtMs'],
  ])('%s when it is broken so', (text, job, fault) => {
    expect(foundInB(job, fault)).toContain(`b ${text}`);
  });
});

describe('the order', () => {
  test('is broken by a node that begins before its needs have ended', () => {
    const begun = {
      phase: 'running',
      attempt: 1,
      cores: 1,
      startedAtMs: 0,
      queuedAtMs: 0,
    } as const;
    const records = [
      { phase: 'ready', queuedAtMs: 0 },
      begun,
      { ...begun, phase: 'succeeded', endedAtMs: 0 },
    ] as const;
    for (const record of records) {
      expect(foundInB(jobs.waiting, record)).toContain('b began before its needs ended');
    }
  });

  test('is not broken by a node that was skipped before its needs have ended', () => {
    const skipped = { phase: 'skipped', skipReason: 'No.', endedAtMs: 0 } as const;
    expect(foundInB(jobs.waiting, skipped)).toEqual([]);
  });

  test('is broken by a node that waits for nothing', () => {
    expect(foundInB(jobs.ready, { phase: 'waiting' })).toContain(
      'b waits although its needs have ended',
    );
  });
});

describe('a job that goes on', () => {
  test.each<[string, JobState, Partial<JobState>]>([
    ['has an end but goes on', jobs.running, { endedAtMs: 4 }],
    ['is queued although a node has started', jobs.running, { phase: 'queued' }],
    ['is running although no node has started', jobs.waiting, { phase: 'running' }],
    ['is ending but has nodes to start', jobs.ready, { isCancelling: true }],
    ['names a node that did not fail', jobs.failing, { failure: { ...failure, nodeId: 'a' } }],
  ])('%s when it is broken so', (text, job, fault) => {
    expect(found(job, fault)).toContain(`the job ${text}`);
  });

  test('has a start', () => {
    const { startedAtMs: _startedAtMs, ...job } = jobs.running;
    expect(violations(job)).toEqual(['the job runs without a start']);
  });

  test('fails with the first node that is not optional', () => {
    const { failure: _failure, ...job } = jobs.failing;
    expect(violations(job)).toContain('the job goes on although a node has failed');
  });

  test('has something that goes on', () => {
    expect(foundInB(jobs.ready, { phase: 'cancelled', endedAtMs: 0 })).toEqual([
      'the job can not go on',
      'the job has cancelled nodes but is not ending',
    ]);
  });
});

describe('a job that has ended', () => {
  test.each<[string, JobState, Partial<JobState>]>([
    ['has ended before its nodes', jobs.running, { phase: 'succeeded', endedAtMs: 1 }],
    ['is still being cancelled after its end', jobs.cancelled, { isCancelling: true }],
    ['succeeded with a failed node', jobs.failed, { phase: 'succeeded' }],
    ['succeeded with a cancelled node', jobs.cancelled, { phase: 'succeeded' }],
    ['succeeded with a failure', jobs.succeeded, { failure: { ...failure, nodeId: 'a' } }],
    ['failed without a failure', jobs.succeeded, { phase: 'failed' }],
    ['names a node that did not fail', jobs.failed, { failure: { ...failure, nodeId: 'a' } }],
    ['is cancelled, but has a failure', jobs.failed, { phase: 'cancelled' }],
  ])('%s when it is broken so', (text, job, fault) => {
    expect(found(job, fault)).toContain(`the job ${text}`);
  });

  test('has ended at some time', () => {
    const { endedAtMs: _endedAtMs, ...job } = jobs.succeeded;
    expect(violations(job)).toEqual(['the job has ended at no time']);
  });
});
