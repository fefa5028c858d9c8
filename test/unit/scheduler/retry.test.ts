import { describe, expect, test } from 'vitest';
import type { Expansion } from '../../../src/pipeline/plan.ts';
import { estimateOf, inputOf, planOf } from '../../fakes/plans.ts';
import type { NodeDetails } from '../../fakes/plans.ts';
import { artifactOf, probe } from '../../fakes/random-jobs.ts';
import { submitted } from './job-script.ts';
import type { JobScript } from './job-script.ts';

/** A job that failed at `c`, with `a` done and the rest undone. */
function failedAtC(): JobScript {
  const script = submitted('a; b:a; c:a; d:b,c', {
    c: { retry: { attemptsMax: 1, backoffMs: 0 } },
  });
  script.start('a');
  script.succeed('a', { roles: ['audio'] });
  script.run('b');
  script.start('c');
  script.fail('c', 'corrupt');
  return script;
}

/** A job that succeeded. */
function done(text: string, details: Readonly<Record<string, NodeDetails>> = {}): JobScript {
  const script = submitted(text, details);
  while (script.job.phase !== 'succeeded') {
    const ready = script.job.nodes.find(({ phase }) => phase === 'ready');
    if (ready === undefined) throw new Error(script.phases);
    script.start(ready.id);
    script.succeed(ready.id, { roles: ['audio'] });
  }
  return script;
}

describe('a retry', () => {
  test('of a failed job runs what failed and what waited for it', () => {
    const script = failedAtC();
    script.nowMs = 50;
    expect(script.retry()).toEqual([
      'tell job running',
      'tell c waiting #1',
      'tell d waiting #0',
      'tell c ready #1',
      'offer c #2',
    ]);
    expect(script.phases).toBe('running: a succeeded, b succeeded, c ready, d waiting');
    script.run('c', 'd');
    expect(script.phases).toBe('succeeded: a succeeded, b succeeded, c succeeded, d succeeded');
  });

  test('leaves the records that it keeps as they are', () => {
    const script = failedAtC();
    const [a, b] = script.job.nodes;
    script.retry();
    expect(script.job.nodes[0]).toBe(a);
    expect(script.job.nodes[1]).toBe(b);
  });

  test('forgets how the job and its nodes ended', () => {
    const script = failedAtC();
    script.nowMs = 50;
    script.retry();
    expect(script.job).not.toHaveProperty('failure');
    expect(script.job).not.toHaveProperty('endedAtMs');
    expect(script.job.startedAtMs).toBe(0);
    expect(script.node('c')).toEqual({
      id: 'c',
      phase: 'ready',
      attempt: 1,
      excusedCount: 1,
      estimate: estimateOf(1),
      queuedAtMs: 50,
      artifacts: [],
    });
  });

  test('gives a node all its attempts again, lost ones too', () => {
    const script = submitted('a', { a: { retry: { attemptsMax: 2, backoffMs: 0 } } });
    script.start('a');
    script.lose('a');
    script.start('a');
    script.fail('a', 'tool');
    script.start('a');
    script.fail('a', 'tool');
    expect(script.job.phase).toBe('failed');
    script.retry();
    expect(script.node('a')).toMatchObject({ attempt: 3, excusedCount: 3 });
    expect(script.node('a')).not.toHaveProperty('lostCount');
    script.start('a');
    expect(script.fail('a', 'tool')).toEqual(['tell a ready #4', 'offer a #5']);
  });

  test('of a cancelled job goes on where it was', () => {
    const script = submitted('a; b:a; c:b');
    script.run('a');
    script.start('b');
    script.cancel();
    script.stop('b');
    expect(script.retry()).toEqual([
      'tell job running',
      'tell b waiting #1',
      'tell c waiting #0',
      'tell b ready #1',
      'offer b #2',
    ]);
  });

  test('of a job that was cancelled before anything began is queued again', () => {
    const script = submitted('a');
    script.cancel();
    expect(script.retry()).toEqual([
      'tell job queued',
      'tell a waiting #0',
      'tell a ready #0',
      'offer a #1',
    ]);
  });

  test('of a job that has not ended changes nothing', () => {
    const script = submitted('a');
    const { job } = script;
    expect(script.retry()).toEqual([]);
    script.start('a');
    expect(script.retry({ nodeIds: ['a'] })).toEqual([]);
    script.cancel();
    expect(script.retry()).toEqual([]);
    expect(script.job.plan).toBe(job.plan);
  });

  test('of a job that is complete changes nothing', () => {
    const script = done('a; b:a');
    const { job } = script;
    expect(script.retry()).toEqual([]);
    expect(script.job).toBe(job);
  });

  test('may be asked for again and again', () => {
    const script = failedAtC();
    for (const attempt of [2, 3, 4]) {
      script.retry();
      script.start('c');
      script.fail('c', 'corrupt');
      expect(script.node('c')).toMatchObject({ attempt, excusedCount: attempt - 1 });
      expect(script.job).toMatchObject({ phase: 'failed', failure: { nodeId: 'c' } });
    }
  });

  test('runs an optional node that failed, and what read it', () => {
    const script = submitted('a?; b:a; x');
    script.start('a');
    script.fail('a', 'model_missing');
    script.run('b', 'x');
    expect(script.retry()).toEqual([
      'tell job running',
      'tell a waiting #1',
      'tell b waiting #1',
      'tell a ready #1',
      'offer a #2',
    ]);
    expect(script.job.warnings).toEqual([]);
  });

  test('keeps the warnings of what it keeps, and adds its own', () => {
    const script = submitted('a; b');
    script.start('a');
    script.succeed('a', { warnings: [{ code: 'vfr', message: 'It varies.', nodeId: 'a' }] });
    script.start('b');
    script.fail('b', 'corrupt');
    const warning = { code: 'not_found', message: 'The pipeline is gone.' };
    expect(script.retry({ warnings: [warning] })).toContain('warn job not_found');
    expect(script.job.warnings.map(({ code }) => code)).toEqual(['vfr', 'not_found']);
    script.start('b');
    script.fail('b', 'corrupt');
    script.retry();
    expect(script.job.warnings.map(({ code }) => code)).toEqual(['vfr']);
  });
});

describe('a retry of named nodes', () => {
  test('runs them and all that depends on them, and nothing else', () => {
    const script = done('a; b:a; c:b; d:a');
    expect(script.retry({ nodeIds: ['b'] })).toEqual([
      'tell job running',
      'tell b waiting #1',
      'tell c waiting #1',
      'tell b ready #1',
      'offer b #2',
    ]);
    expect(script.node('b').artifacts).toEqual([]);
    script.run('b', 'c');
    expect(script.phases).toBe('succeeded: a succeeded, b succeeded, c succeeded, d succeeded');
    expect(script.job.nodes.map(({ attempt }) => attempt)).toEqual([1, 2, 2, 1]);
  });

  test('of a failed job runs also what failed', () => {
    const script = failedAtC();
    script.retry({ nodeIds: ['b'] });
    expect(script.phases).toBe('running: a succeeded, b ready, c ready, d waiting');
  });
});

describe('a retry by another plan', () => {
  test('runs new nodes, changed ones and what depends on them', () => {
    const script = done('a; b:a; c:b; d:a');
    const plan = planOf('a; b:a; c:b; d:a; e:a', { b: { params: { crf: 20 } } });
    expect(script.retry({ plan })).toEqual([
      'tell job running',
      'tell b waiting #1',
      'tell c waiting #1',
      'tell e waiting #0',
      'tell b ready #1',
      'tell e ready #0',
      'offer b #2',
      'offer e #1',
    ]);
    expect(script.job.plan).toBe(plan);
  });

  test('runs a node again whose kind was upgraded', () => {
    const script = done('a; b:a');
    script.retry({ plan: planOf('a; b:a', { b: { kindVersion: 2 } }) });
    expect(script.phases).toBe('running: a succeeded, b ready');
  });

  test('keeps records with their nodes, wherever these are now', () => {
    const script = done('a; b:a; c:b');
    const before = new Map(script.job.nodes.map((record) => [record.id, record]));
    script.retry({ plan: planOf('c:b; x; a; b:a') });
    expect(script.job.nodes.map(({ id }) => id)).toEqual(['c', 'x', 'a', 'b']);
    for (const id of ['a', 'b', 'c']) expect(script.node(id)).toBe(before.get(id));
  });

  test('drops nodes that are not in it any more', () => {
    const script = failedAtC();
    script.retry({ plan: planOf('a; c:a') });
    expect(script.phases).toBe('running: a succeeded, c ready');
  });

  test('that lacks what failed ends well at once', () => {
    const script = failedAtC();
    expect(script.retry({ plan: planOf('a; b:a') })).toEqual([
      'tell job running',
      'tell job succeeded',
    ]);
    expect(script.job).not.toHaveProperty('failure');
  });

  test('with none of the nodes that began is queued', () => {
    const script = failedAtC();
    script.retry({ plan: planOf('x') });
    expect(script.phases).toBe('queued: x ready');
    expect(script.job).not.toHaveProperty('startedAtMs');
  });

  test('that only costs otherwise finds nothing to run again', () => {
    const script = done('a; b:a');
    const plan = planOf('a; b:a', { a: { timeoutMs: 5, estimate: estimateOf(9) } });
    expect(script.retry({ plan })).toEqual([]);
  });
});

describe('a retry of a job whose source is known', () => {
  const details = {
    audio: { when: [{ fact: 'audio', is: true }], inputs: [inputOf('one', 'source', 'probe')] },
    text: { inputs: [inputOf('one', 'audio', 'audio')] },
  } as const;
  const text = 'probe; audio:probe; text:audio; film:probe; end:film,text';
  const silent: Expansion = {
    skipped: { audio: 'There is no sound.' },
    estimates: { film: estimateOf(7), end: estimateOf(3) },
  };
  const loud: Expansion = { skipped: {}, estimates: {} };

  function probed(): JobScript {
    const script = submitted(text, details);
    script.start('probe');
    script.succeed('probe', { media: probe, expansion: silent, roles: ['source'] });
    return script;
  }

  test('keeps what was skipped, so that nothing behind it runs again', () => {
    const script = probed();
    script.run('film', 'end');
    const nodes = script.job.nodes.slice();
    expect(script.retry({ expansion: silent })).toEqual([]);
    expect(script.retry({ expansion: silent, nodeIds: ['end'] })).toEqual([
      'tell job running',
      'tell end waiting #1',
      'tell end ready #1',
      'offer end #2',
    ]);
    for (const index of [0, 1, 2, 3]) expect(script.job.nodes[index]).toBe(nodes[index]);
    expect(script.job.media).toBe(probe);
  });

  test('skips what does not apply, and estimates the rest anew', () => {
    const script = probed();
    script.start('film');
    script.fail('film', 'corrupt');
    const plan = planOf(`${text}; more:probe`, details);
    const expansion = {
      skipped: { ...silent.skipped, more: 'It does not apply.' },
      estimates: { film: estimateOf(11), end: estimateOf(3) },
    };
    expect(script.retry({ plan, expansion })).toEqual([
      'tell job running',
      'tell film waiting #1',
      'tell end waiting #0',
      'tell more waiting #0',
      'tell more skipped #0',
      'tell film ready #1',
      'offer film #2',
    ]);
    expect(script.node('film').estimate).toEqual(estimateOf(11));
    expect(script.node('more').skipReason).toBe('It does not apply.');
  });

  test('decides anew when the source is probed again', () => {
    const script = probed();
    script.run('film', 'end');
    expect(script.retry({ nodeIds: ['probe'] })).toEqual([
      'tell job running',
      'tell probe waiting #1',
      'tell audio waiting #0',
      'tell text waiting #0',
      'tell film waiting #1',
      'tell end waiting #1',
      'tell probe ready #1',
      'offer probe #2',
    ]);
    expect(script.job).not.toHaveProperty('media');
    script.start('probe');
    script.succeed('probe', { media: probe, expansion: loud, roles: ['source'] });
    expect(script.phases).toContain('audio ready');
  });

  test('keeps no node with a condition once the media is not known', () => {
    const script = submitted('a; b', { b: { when: [{ fact: 'video', is: true }] } });
    script.start('a');
    script.succeed('a', { media: probe, expansion: loud });
    script.run('b');
    script.retry({ nodeIds: ['a'] });
    expect(script.phases).toBe('running: a ready, b ready');
  });
});

describe('the end of a retried job', () => {
  test('may be a cancel', () => {
    const script = failedAtC();
    script.retry();
    expect(script.cancel()).toEqual([
      'tell c cancelled #1',
      'tell d cancelled #0',
      'tell job cancelled',
      'withdraw c',
    ]);
    script.retry();
    script.run('c', 'd');
    expect(script.job.phase).toBe('succeeded');
  });

  test('is not decided by a late word of an attempt of before', () => {
    const script = failedAtC();
    script.retry();
    script.start('c');
    const late = { atMs: 0, nodeId: 'c', attempt: 1 };
    expect(
      script.apply({
        type: 'attempt-succeeded',
        ...late,
        artifacts: [artifactOf('c', 'audio')],
        warnings: [],
      }),
    ).toEqual([]);
    expect(script.node('c')).toMatchObject({ phase: 'running', attempt: 2 });
  });
});
