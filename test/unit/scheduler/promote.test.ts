import { describe, expect, test } from 'vitest';
import { inputOf } from '../../fakes/plans.ts';
import { probeOf } from '../../fakes/probes.ts';
import { submitted } from './job-script.ts';

const media = probeOf();

describe('a node', () => {
  test('becomes ready with the last of its needs, and not before', () => {
    const script = submitted('a; b; c:a,b');
    script.start('a');
    script.start('b');
    expect(script.succeed('b')).toEqual(['tell b succeeded #1']);
    script.nowMs = 40;
    expect(script.succeed('a')).toEqual(['tell a succeeded #1', 'tell c ready #0', 'offer c #1']);
    expect(script.node('c').queuedAtMs).toBe(40);
  });

  test('becomes ready with all others that waited for the same need, in plan order', () => {
    const script = submitted('a; d:a; c:a; b:c');
    script.start('a');
    expect(script.succeed('a')).toEqual([
      'tell a succeeded #1',
      'tell d ready #0',
      'tell c ready #0',
      'offer d #1',
      'offer c #1',
    ]);
  });

  test('runs after a need that was skipped', () => {
    const script = submitted('a; b:a; c:b');
    script.start('a');
    const expansion = { skipped: { b: 'No audio.' }, estimates: {} };
    expect(script.succeed('a', { media, expansion })).toEqual([
      'tell a succeeded #1',
      'tell b skipped #0',
      'tell c ready #0',
      'offer c #1',
    ]);
  });

  test('waits behind a skipped need for what that one would have waited for', () => {
    // `publish` may read the captions of `speech` through a merge that does not apply.
    const script = submitted('probe; speech:probe; merge:speech; publish:merge');
    script.start('probe');
    const expansion = { skipped: { merge: 'No video.' }, estimates: {} };
    expect(script.succeed('probe', { media, expansion })).toContain('offer speech #1');
    expect(script.phases).toBe(
      'running: probe succeeded, speech ready, merge skipped, publish waiting',
    );
    script.start('speech');
    expect(script.succeed('speech')).toContain('offer publish #1');
  });

  test('without inputs runs, also when all it needs was skipped', () => {
    const script = submitted('a; b:a; c:b');
    script.start('a');
    script.succeed('a', { media, expansion: { skipped: { b: 'No.' }, estimates: {} } });
    expect(script.node('c').phase).toBe('ready');
  });
});

describe('an input of which one is needed', () => {
  const one = (from: string) => ({ inputs: [inputOf('one', 'video', from)] });

  test('lets the node run when it is there', () => {
    const script = submitted('a; b:a', { b: one('a') });
    script.start('a');
    expect(script.succeed('a', { roles: ['audio', 'video'] })).toContain('offer b #1');
  });

  test('skips the node when its provider made none', () => {
    const script = submitted('a; b:a', { b: one('a') });
    script.start('a');
    expect(script.succeed('a', { roles: ['audio'] })).toEqual([
      'tell a succeeded #1',
      'tell b skipped #0',
      'tell job succeeded',
    ]);
    expect(script.node('b').skipReason).toBe('"b" needs video from "a", which made none.');
  });

  test('skips the node when its provider was skipped', () => {
    const script = submitted('x; a:x; b:a', { b: one('a') });
    script.start('x');
    script.succeed('x', { media, expansion: { skipped: { a: 'Not tall.' }, estimates: {} } });
    expect(script.node('b').skipReason).toBe('"b" needs video from "a", which was skipped.');
    expect(script.job.phase).toBe('succeeded');
  });

  test('skips the node when its provider failed as optional', () => {
    const script = submitted('a?; b:a; c:b', { b: one('a') });
    script.start('a');
    expect(script.fail('a', 'corrupt')).toEqual([
      'tell a failed #1',
      'warn a corrupt',
      'tell b skipped #0',
      'tell c ready #0',
      'offer c #1',
    ]);
    expect(script.node('b').skipReason).toBe('"b" needs video from "a", which failed.');
  });

  test('that nothing provides skips the node', () => {
    const script = submitted('a; b:a', { b: { inputs: [inputOf('one', 'video')] } });
    script.run('a');
    expect(script.node('b').skipReason).toBe('"b" needs video, which nothing provides.');
  });

  test('may come from an ancestor', () => {
    const script = submitted('a; b:a; c:b', { c: one('a') });
    script.start('a');
    script.succeed('a', { roles: ['video'] });
    script.start('b');
    expect(script.succeed('b')).toContain('offer c #1');
  });

  test('settles a whole chain of skips in one transition', () => {
    const script = submitted('a; b:a; c:b; d:c', { b: one('a'), c: one('b'), d: one('c') });
    script.start('a');
    expect(script.succeed('a')).toEqual([
      'tell a succeeded #1',
      'tell b skipped #0',
      'tell c skipped #0',
      'tell d skipped #0',
      'tell job succeeded',
    ]);
  });
});

describe('a node that collects', () => {
  const inputs = [inputOf('every', 'image', 'a', 'b'), inputOf('optional', 'audio', 'a')];

  test('runs with whatever is there', () => {
    const script = submitted('a; b?; c:a,b', { c: { inputs } });
    script.start('a');
    script.start('b');
    script.fail('b', 'corrupt');
    expect(script.succeed('a', { roles: ['image'] })).toContain('offer c #1');
  });

  test('runs with nothing when its needs made nothing', () => {
    const script = submitted('a; b; c:a,b', { c: { inputs } });
    script.run('a', 'b');
    expect(script.node('c').phase).toBe('ready');
  });

  test('runs with nothing when one failed and one was skipped', () => {
    const script = submitted('x; a?:x; b:x; c:a,b', { c: { inputs } });
    script.start('x');
    script.succeed('x', { media, expansion: { skipped: { b: 'No.' }, estimates: {} } });
    script.start('a');
    script.fail('a', 'corrupt');
    expect(script.node('c').phase).toBe('ready');
  });

  test('is skipped when all it needs was skipped', () => {
    const script = submitted('x; a:x; b:x; c:a,b', { c: { inputs } });
    script.start('x');
    const skipped = { a: 'No.', b: 'No.' };
    script.succeed('x', { media, expansion: { skipped, estimates: {} } });
    expect(script.node('c')).toMatchObject({
      phase: 'skipped',
      skipReason: '"c" has nothing to work on: all it needs was skipped.',
    });
  });

  test('runs when all it needs was skipped, but an ancestor has something for it', () => {
    const script = submitted('x; a:x; c:a', { c: { inputs: [inputOf('every', 'image', 'x')] } });
    script.start('x');
    const expansion = { skipped: { a: 'No.' }, estimates: {} };
    expect(script.succeed('x', { roles: ['image'], media, expansion })).toContain('offer c #1');
  });

  test('runs at once when it needs nobody', () => {
    const script = submitted('c', { c: { inputs: [inputOf('every', 'image')] } });
    expect(script.node('c').phase).toBe('ready');
  });
});
