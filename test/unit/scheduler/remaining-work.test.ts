import { describe, expect, test } from 'vitest';
import { remainingWork } from '../../../src/scheduler/remaining-work.ts';
import { estimateOf } from '../../fakes/plans.ts';
import { submitted } from './job-script.ts';

const details = {
  a: { estimate: estimateOf(1) },
  b: { estimate: estimateOf(8, { coresMax: 4 }) },
  c: { estimate: estimateOf(3) },
  d: { estimate: estimateOf(2, { coresMin: 0, coresMax: 0, ioSlots: 1 }) },
};

describe('what is left of a job', () => {
  test('is the work of all nodes, the heaviest path and the slowest one', () => {
    const { job } = submitted('a; b:a; c:a; d:b,c', details);
    expect(remainingWork(job)).toEqual({
      jobSec: 14,
      pathSec: [11, 10, 5, 2],
      spanSec: [6, 4, 5, 2],
    });
  });

  test('counts a running node in full and an ended one not at all', () => {
    const script = submitted('a; b:a; c:a; d:b,c', details);
    script.run('a');
    script.start('b');
    expect(remainingWork(script.job).jobSec).toBe(13);
    script.succeed('b');
    expect(remainingWork(script.job)).toEqual({
      jobSec: 5,
      pathSec: [5, 2, 5, 2],
      spanSec: [5, 2, 5, 2],
    });
  });

  test('does not count what was skipped or failed', () => {
    const script = submitted('a; b?; c:b', details);
    script.run('a');
    script.start('b');
    script.fail('b', 'corrupt');
    expect(remainingWork(script.job)).toEqual({
      jobSec: 3,
      pathSec: [0, 3, 3],
      spanSec: [0, 3, 3],
    });
  });

  test('does not depend on the order of the plan', () => {
    const { job } = submitted('d:b,c; c:a; b:a; a', details);
    expect(remainingWork(job).pathSec).toEqual([2, 5, 10, 11]);
  });
});
