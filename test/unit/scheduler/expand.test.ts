import { describe, expect, test } from 'vitest';
import type { Expansion } from '../../../src/pipeline/plan.ts';
import { estimateOf } from '../../fakes/plans.ts';
import { probeOf } from '../../fakes/probes.ts';
import { submitted } from './job-script.ts';

const media = probeOf();

function expansionOf(
  skipped: Expansion['skipped'],
  estimates: Expansion['estimates'] = {},
): Expansion {
  return { skipped, estimates };
}

describe('what the probe settles', () => {
  test('is applied in the same transition, before anything is offered', () => {
    const script = submitted('a; b:a; c:a; d:b,c');
    script.start('a');
    const expansion = expansionOf(
      { b: 'The source has no audio.' },
      { c: estimateOf(50, { coresMax: 4 }), d: estimateOf(2) },
    );
    const effects = script.effectsOf({
      type: 'attempt-succeeded',
      atMs: 6,
      nodeId: 'a',
      attempt: 1,
      artifacts: [],
      warnings: [],
      media,
      expansion,
    });
    expect(script.phases).toBe('running: a succeeded, b skipped, c ready, d waiting');
    expect(script.node('b')).toMatchObject({ skipReason: 'The source has no audio.', attempt: 0 });
    expect(script.job.media).toBe(media);
    expect(effects.at(-1)).toMatchObject({
      type: 'offer-node',
      offer: {
        nodeId: 'c',
        estimate: estimateOf(50, { coresMax: 4 }),
        remainingPathSec: 52,
        remainingSpanSec: 14.5,
        jobRemainingSec: 52,
      },
    });
  });

  test('withdraws what was offered and does not apply', () => {
    const script = submitted('a; b');
    script.start('a');
    expect(script.succeed('a', { media, expansion: expansionOf({ b: 'No.' }) })).toEqual([
      'tell a succeeded #1',
      'tell b skipped #0',
      'tell job succeeded',
      'withdraw b',
    ]);
  });

  test('skips a delayed node, and its timer comes to nothing', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    script.fail('b', 'tool');
    script.succeed('a', { media, expansion: expansionOf({ b: 'No.' }) });
    expect(script.phases).toBe('succeeded: a succeeded, b skipped');
    script.nowMs = 60_000;
    expect(script.due('b')).toEqual([]);
  });

  test('leaves a running node to its end', () => {
    const script = submitted('a; b');
    script.start('a');
    script.start('b');
    const expansion = expansionOf({ b: 'No.' }, { b: estimateOf(9) });
    expect(script.succeed('a', { media, expansion })).toEqual(['tell a succeeded #1']);
    expect(script.node('b')).toMatchObject({ phase: 'running' });
    script.succeed('b');
    expect(script.phases).toBe('succeeded: a succeeded, b succeeded');
    expect(script.node('b')).not.toHaveProperty('skipReason');
  });

  test('corrects the estimates of all that have not ended, and of no others', () => {
    const script = submitted('a; b; c; d:c; e');
    script.run('e');
    script.start('a');
    script.start('b');
    const estimates = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e'].map((id) => [id, estimateOf(7)]),
    );
    script.succeed('a', { media, expansion: expansionOf({}, estimates) });
    const seconds = script.job.nodes.map(({ id, estimate }) => `${id} ${estimate.coreSeconds}`);
    expect(seconds).toEqual(['a 1', 'b 7', 'c 7', 'd 7', 'e 1']);
  });

  test('keeps the estimate of a node that it says nothing of', () => {
    const script = submitted('a; b:a');
    script.start('a');
    script.succeed('a', { media, expansion: expansionOf({}) });
    expect(script.node('b').estimate).toEqual(estimateOf(1));
  });

  test('lets the job end when nothing applies', () => {
    const script = submitted('a; b:a; c:b');
    script.start('a');
    expect(script.succeed('a', { media, expansion: expansionOf({ b: 'No.', c: 'No.' }) })).toEqual([
      'tell a succeeded #1',
      'tell b skipped #0',
      'tell c skipped #0',
      'tell job succeeded',
    ]);
  });

  test('is kept, and starts nothing, when the job is failing already', () => {
    const script = submitted('a; x; b:a');
    script.start('a');
    script.start('x');
    script.fail('x', 'corrupt');
    expect(script.succeed('a', { media, expansion: expansionOf({ b: 'No.' }) })).toEqual([
      'tell a succeeded #1',
      'tell job failed (x corrupt)',
    ]);
    expect(script.job.media).toBe(media);
    expect(script.node('b').phase).toBe('cancelled');
  });

  test('is found by the nodes’ own names, not by what every object has', () => {
    const script = submitted('a; constructor:a');
    script.start('a');
    expect(script.succeed('a', { media, expansion: expansionOf({}) })).toContain(
      'offer constructor #1',
    );
    expect(script.node('constructor').estimate).toEqual(estimateOf(1));
  });
});
