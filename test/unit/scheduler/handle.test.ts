import { describe, expect, test } from 'vitest';
import type { JobEvent } from '../../../src/scheduler/event.ts';
import { handle } from '../../../src/scheduler/handle.ts';
import type { JobState } from '../../../src/scheduler/job-state.ts';
import { estimateOf, planOf } from '../../fakes/plans.ts';
import { effectText, JobScript, submitted } from './job-script.ts';

const failure = { code: 'corrupt', message: 'The file is damaged.' } as const;

/** Every event there is, about a node and an attempt. */
function everyEvent(nodeId: string, attempt: number): readonly JobEvent[] {
  const facts = { atMs: 9_000_000, nodeId, attempt };
  return [
    { type: 'job-submitted', atMs: facts.atMs },
    { type: 'attempt-started', ...facts, cores: 1 },
    { type: 'attempt-succeeded', ...facts, artifacts: [], warnings: [] },
    { type: 'attempt-failed', ...facts, failure },
    { type: 'attempt-lost', ...facts },
    { type: 'attempt-stopped', ...facts },
    { type: 'retry-due', atMs: facts.atMs, nodeId },
    { type: 'cancel-requested', atMs: facts.atMs },
  ];
}

/** Event type → what it makes of a job: `-` nothing, else the phases, and the actions behind a bar. */
function reactions(job: JobState, nodeId: string, attempt: number): Record<string, string> {
  const rows = everyEvent(nodeId, attempt).map((event) => {
    const script = new JobScript(job.plan);
    script.job = job;
    const actions = script
      .effectsOf(event)
      .filter(({ type }) => type !== 'notify')
      .map(effectText);
    const outcome = script.job === job ? '-' : script.phases;
    return [event.type, [outcome, ...actions].join(' | ')] as const;
  });
  return Object.fromEntries(rows);
}

const nothing = {
  'job-submitted': '-',
  'attempt-started': '-',
  'attempt-succeeded': '-',
  'attempt-failed': '-',
  'attempt-lost': '-',
  'attempt-stopped': '-',
  'retry-due': '-',
  'cancel-requested': '-',
};

/** A start that nobody needs any more: the child has to end. */
const startedInVain = { ...nothing, 'attempt-started': '- | stop a #1' };

describe('a whole life', () => {
  test('is told in full, effect by effect', () => {
    const plan = planOf('a; b:a', { b: { estimate: estimateOf(3, { coresMax: 2 }) } });
    const script = new JobScript(plan);
    const offer = {
      jobId: 'job',
      attempt: 1,
      tenant: 'default',
      priority: 0,
      jobCreatedAtMs: 0,
    };
    expect(script.effectsOf({ type: 'job-submitted', atMs: 5 })).toEqual([
      { type: 'notify', notice: { type: 'job', atMs: 5, phase: 'queued' } },
      {
        type: 'notify',
        notice: { type: 'node', atMs: 5, nodeId: 'a', phase: 'ready', attempt: 0 },
      },
      {
        type: 'offer-node',
        offer: {
          ...offer,
          nodeId: 'a',
          estimate: estimateOf(1),
          readyAtMs: 5,
          remainingPathSec: 4,
          remainingSpanSec: 2.5,
          jobRemainingSec: 4,
        },
      },
    ]);
    const facts = { nodeId: 'a', attempt: 1 };
    expect(script.effectsOf({ type: 'attempt-started', atMs: 6, ...facts, cores: 2 })).toEqual([
      { type: 'notify', notice: { type: 'job', atMs: 6, phase: 'running' } },
      {
        type: 'notify',
        notice: { type: 'node', atMs: 6, nodeId: 'a', phase: 'running', attempt: 1, cores: 2 },
      },
    ]);
    expect(
      script.effectsOf({
        type: 'attempt-succeeded',
        atMs: 9,
        ...facts,
        artifacts: [],
        warnings: [{ code: 'vfr', message: 'The frame rate varies.', nodeId: 'a' }],
      }),
    ).toEqual([
      {
        type: 'notify',
        notice: { type: 'node', atMs: 9, nodeId: 'a', phase: 'succeeded', attempt: 1 },
      },
      {
        type: 'notify',
        notice: {
          type: 'warning',
          atMs: 9,
          warning: { code: 'vfr', message: 'The frame rate varies.', nodeId: 'a' },
        },
      },
      {
        type: 'notify',
        notice: { type: 'node', atMs: 9, nodeId: 'b', phase: 'ready', attempt: 0 },
      },
      {
        type: 'offer-node',
        offer: {
          ...offer,
          nodeId: 'b',
          estimate: estimateOf(3, { coresMax: 2 }),
          readyAtMs: 9,
          remainingPathSec: 3,
          remainingSpanSec: 1.5,
          jobRemainingSec: 3,
        },
      },
    ]);
  });

  test('leaves times, cores and artifacts in the records', () => {
    const script = submitted('a');
    script.nowMs = 10;
    script.start('a', 3);
    script.nowMs = 30;
    script.succeed('a', { roles: ['video'] });
    expect(script.job).toEqual({
      ...script.job,
      phase: 'succeeded',
      createdAtMs: 0,
      startedAtMs: 10,
      endedAtMs: 30,
      warnings: [],
      isCancelling: false,
    });
    const [artifact] = script.node('a').artifacts;
    expect(script.node('a')).toEqual({
      id: 'a',
      phase: 'succeeded',
      attempt: 1,
      estimate: estimateOf(1),
      queuedAtMs: 0,
      startedAtMs: 10,
      endedAtMs: 30,
      cores: 3,
      artifacts: [artifact],
    });
    expect(artifact?.role).toBe('video');
  });

  test('of nine nodes follows the edges and nothing else', () => {
    const script = submitted('a; b:a; c:a; d:a; e:a; f?:b; g:d,f; h:e,f; i:c,g,h');
    script.start('a');
    expect(script.succeed('a').filter((text) => text.startsWith('offer'))).toEqual([
      'offer b #1',
      'offer c #1',
      'offer d #1',
      'offer e #1',
    ]);
    for (const id of ['b', 'c', 'd', 'e']) script.start(id);
    expect(script.succeed('b')).toContain('offer f #1');
    expect(script.succeed('d')).not.toContain('offer g #1');
    script.start('f');
    expect(script.succeed('f')).toContain('offer g #1');
    expect(script.phases).toContain('e running');
    script.run('g');
    expect(script.succeed('e')).toContain('offer h #1');
    script.succeed('c');
    script.start('h');
    expect(script.succeed('h')).toEqual(['tell h succeeded #1', 'tell i ready #0', 'offer i #1']);
    script.start('i');
    expect(script.succeed('i')).toEqual(['tell i succeeded #1', 'tell job succeeded']);
  });
});

describe('every event about a node that', () => {
  test('waits for its job to be submitted', () => {
    const { job } = new JobScript(planOf('a'));
    expect(reactions(job, 'a', 1)).toEqual({
      ...startedInVain,
      'job-submitted': 'queued: a ready | offer a #1',
      'cancel-requested': 'cancelled: a cancelled',
    });
  });

  test('waits for its needs', () => {
    const { job } = submitted('x; a:x');
    expect(reactions(job, 'a', 1)).toEqual({
      ...startedInVain,
      'cancel-requested': 'cancelled: x cancelled, a cancelled | withdraw x',
    });
  });

  test('is ready', () => {
    const { job } = submitted('a');
    expect(reactions(job, 'a', 1)).toEqual({
      ...nothing,
      'attempt-started': 'running: a running',
      'cancel-requested': 'cancelled: a cancelled | withdraw a',
    });
  });

  test('is ready, but for another attempt', () => {
    const { job } = submitted('a');
    const cancelled = { 'cancel-requested': 'cancelled: a cancelled | withdraw a' };
    expect(reactions(job, 'a', 0)).toEqual({
      ...nothing,
      ...cancelled,
      'attempt-started': '- | stop a #0',
    });
    expect(reactions(job, 'a', 2)).toEqual({
      ...nothing,
      ...cancelled,
      'attempt-started': '- | stop a #2',
    });
  });

  test('runs', () => {
    const script = submitted('a');
    script.start('a');
    expect(reactions(script.job, 'a', 1)).toEqual({
      ...nothing,
      'attempt-succeeded': 'succeeded: a succeeded',
      'attempt-failed': 'failed: a failed',
      'attempt-lost': 'running: a ready | offer a #2',
      'attempt-stopped': 'running: a ready | offer a #2',
      'cancel-requested': 'running: a running | stop a #1',
    });
  });

  test('runs a later attempt', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 3, backoffMs: 0 } } });
    script.start('a');
    script.lose('a');
    script.start('a');
    expect(reactions(script.job, 'a', 1)).toEqual({
      ...startedInVain,
      'cancel-requested': 'running: a running | stop a #2',
    });
  });

  test('runs in a job that is being cancelled', () => {
    const script = submitted('a');
    script.start('a');
    script.cancel();
    expect(reactions(script.job, 'a', 1)).toEqual({
      ...nothing,
      'attempt-succeeded': 'cancelled: a cancelled',
      'attempt-failed': 'cancelled: a cancelled',
      'attempt-lost': 'cancelled: a cancelled',
      'attempt-stopped': 'cancelled: a cancelled',
    });
  });

  test('runs in a job that is failing', () => {
    const script = submitted('x; a');
    script.start('x');
    script.start('a');
    script.fail('x', 'corrupt');
    expect(reactions(script.job, 'a', 1)).toEqual({
      ...nothing,
      'attempt-succeeded': 'failed: x failed, a succeeded',
      'attempt-failed': 'failed: x failed, a failed',
      'attempt-lost': 'failed: x failed, a cancelled',
      'attempt-stopped': 'failed: x failed, a cancelled',
    });
  });

  test('sits out a delay', () => {
    const script = submitted('a');
    script.start('a');
    script.fail('a', 'tool');
    expect(reactions(script.job, 'a', 1)).toEqual({
      ...startedInVain,
      'retry-due': 'running: a ready | offer a #2',
      'cancel-requested': 'cancelled: a cancelled',
    });
  });

  test('has succeeded while others go on', () => {
    const script = submitted('a; x');
    script.run('a');
    expect(reactions(script.job, 'a', 1)).toEqual({
      ...startedInVain,
      'cancel-requested': 'cancelled: a succeeded, x cancelled | withdraw x',
    });
  });

  test('has failed as an optional one while others go on', () => {
    const script = submitted('a?; x');
    script.start('a');
    script.fail('a', 'corrupt');
    expect(reactions(script.job, 'a', 1)).toEqual({
      ...startedInVain,
      'cancel-requested': 'cancelled: a failed, x cancelled | withdraw x',
    });
  });

  test('was skipped', () => {
    const script = submitted('x; a:x', {
      a: { inputs: [{ role: 'audio', take: 'one', from: ['x'] }] },
    });
    script.run('x');
    expect(script.phases).toBe('succeeded: x succeeded, a skipped');
    expect(reactions(script.job, 'a', 1)).toEqual(startedInVain);
  });

  test('is not there', () => {
    const { job } = submitted('a');
    expect(reactions(job, 'nobody', 1)).toEqual({
      ...nothing,
      'cancel-requested': 'cancelled: a cancelled | withdraw a',
    });
    expect(reactions(job, 'constructor', 1)).toEqual(reactions(job, 'nobody', 1));
  });
});

describe('an ended job', () => {
  test('that succeeded, failed or was cancelled is never changed again', () => {
    const succeeded = submitted('a');
    succeeded.run('a');
    const failed = submitted('a');
    failed.start('a');
    failed.fail('a', 'corrupt');
    const cancelled = submitted('a');
    cancelled.start('a');
    cancelled.cancel();
    cancelled.stop('a');
    for (const { job } of [succeeded, failed, cancelled]) {
      expect(reactions(job, 'a', 1)).toEqual(startedInVain);
      // The job is the very same object, so a shell can tell that there is nothing to write.
      for (const event of everyEvent('a', 1)) expect(handle(job, event).job).toBe(job);
    }
  });
});

describe('a repeated event', () => {
  test('changes nothing the second time', () => {
    const script = submitted('a; b:a');
    expect(script.submit()).toEqual([]);
    expect(script.start('a', 2)).toEqual(['tell job running', 'tell a running #1 on 2']);
    expect(script.start('a', 2, 1)).toEqual([]);
    const succeeded: JobEvent = {
      type: 'attempt-succeeded',
      atMs: 1,
      nodeId: 'a',
      attempt: 1,
      artifacts: [],
      warnings: [{ code: 'once', message: 'Once.', nodeId: 'a' }],
    };
    expect(script.apply(succeeded)).toHaveLength(4);
    expect(script.apply(succeeded)).toEqual([]);
    expect(script.job.warnings).toHaveLength(1);
    script.start('b');
    script.cancel();
    expect(script.cancel()).toEqual([]);
    expect(script.stop('b')).toEqual(['tell b cancelled #1', 'tell job cancelled']);
    expect(script.stop('b')).toEqual([]);
  });
});

describe('what an event leaves alone', () => {
  test('keeps its identity, so that only changed rows are written', () => {
    const script = submitted('a; b; c');
    const [a, b, c] = script.job.nodes;
    script.start('b');
    expect(script.job.nodes[0]).toBe(a);
    expect(script.job.nodes[1]).not.toBe(b);
    expect(script.job.nodes[2]).toBe(c);
    const { nodes } = script.job;
    script.start('b', 1, 1);
    expect(script.job.nodes).toBe(nodes);
  });

  test('may be frozen: nothing is changed in place', () => {
    const script = submitted('a; b:a');
    deepFreeze(script.job);
    script.start('a');
    deepFreeze(script.job);
    expect(script.succeed('a', { roles: ['audio'] })).toContain('offer b #1');
  });
});

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}
