import { describe, expect, test } from 'vitest';
import { withMissing } from '../../../src/scheduler/kept-nodes.ts';
import { inputOf, planOf } from '../../fakes/plans.ts';
import { artifactOf } from '../../fakes/random-jobs.ts';
import { submitted } from './job-script.ts';
import type { JobScript } from './job-script.ts';

const details = {
  cut: { inputs: [inputOf('one', 'source', 'check')] },
  mix: { inputs: [inputOf('one', 'video', 'cut')] },
  end: { inputs: [inputOf('every', 'rendition', 'mix')] },
} as const;
const plan = planOf('check; cut:check; mix:cut; end:mix; side:check', details);
const made = { check: 'source', cut: 'video', mix: 'rendition', end: 'manifest' } as const;

/** A job that succeeded; only what `mix` and `end` made are products. */
function done(): JobScript {
  const script = submitted('check; cut:check; mix:cut; end:mix; side:check', details);
  for (const id of ['check', 'cut', 'mix', 'end'] as const) {
    script.start(id);
    const product = id === 'mix' || id === 'end';
    script.succeed(id, { artifacts: [{ ...artifactOf(id, made[id]), product }] });
  }
  script.run('side');
  return script;
}

/** What runs when these nodes are named and the outputs of those are gone. */
function again(nodeIds: readonly string[], gone: readonly string[]): readonly string[] {
  const paths = gone.map((id) => `jobs/${id}/`);
  return withMissing(done().job, { plan, nodeIds }, (path) =>
    paths.some((start) => path.startsWith(start)),
  );
}

describe('outputs that are gone', () => {
  test('are made again where somebody reads them', () => {
    expect(again(['mix'], ['cut'])).toEqual(['mix', 'cut']);
  });

  test('are made again one behind the other', () => {
    expect(again(['mix'], ['cut', 'check'])).toEqual(['mix', 'cut', 'check']);
  });

  test('are left alone where nobody reads them any more', () => {
    expect(again(['end'], ['check', 'cut'])).toEqual(['end']);
    expect(again([], ['check', 'cut'])).toEqual([]);
  });

  test('are made again where the uploader would lack them', () => {
    expect(again([], ['mix', 'cut'])).toEqual(['mix', 'cut']);
  });

  test('change nothing where the node runs again anyway', () => {
    expect(again(['cut'], ['mix', 'end', 'cut'])).toEqual(['cut']);
  });
});
