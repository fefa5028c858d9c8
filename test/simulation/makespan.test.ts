import { describe, expect, test } from 'vitest';
import type { Plan, PlannedNode } from '../../src/pipeline/plan.ts';
import { asEstimated, lowerBoundSec, makespanSec } from '../fakes/makespan.ts';
import type { RealWork } from '../fakes/makespan.ts';
import { estimateOf, nodeOf } from '../fakes/plans.ts';
import { Random } from '../fakes/random.ts';
import { standardPlan } from '../fakes/standard-plan.ts';

/*
 * How long single jobs take on a host whose cores all do the same, and on which width costs what the
 * schedule expects, against what no schedule can beat: the critical path at full width, and all work,
 * done narrowly, on all cores. Both at once are out of reach of any schedule, and a node's cores can't
 * be changed while it runs; so the mean is the figure to look at.
 */

const runs = 1000;

/** A random graph of up to 14 nodes of one core each. */
function narrowPlan(random: Random): Plan {
  return planOf(random, () => ({ coresMin: 1, coresMax: 1 }));
}

/** The same with nodes that use up to 11 cores, some of them 4 at least. */
function widePlan(random: Random): Plan {
  return planOf(random, () => {
    const coresMin = random.chance(0.2) ? random.integer(1, 4) : 1;
    return { coresMin, coresMax: coresMin + random.integer(0, 7) };
  });
}

function planOf(
  random: Random,
  cores: () => { readonly coresMin: number; readonly coresMax: number },
): Plan {
  const nodes: PlannedNode[] = [];
  const count = random.integer(1, 14);
  for (let index = 0; index < count; index += 1) {
    const earlier = nodes.map(({ id }) => id);
    const needs = random.some(earlier, 2 / Math.max(2, index));
    const estimate = estimateOf(0.1 + random.fraction() * 20, cores());
    nodes.push(nodeOf(`n${index}`, { needs, estimate }));
  }
  return { pipeline: 'random', nodes };
}

/** Makespan divided by its lower bound, mean and worst with its seed, over many random plans. */
function ratios(
  planWith: (random: Random) => Plan,
  cores: number,
  workOf: (plan: Plan, random: Random) => RealWork = asEstimated,
) {
  let sum = 0;
  let worst = { ratio: 0, seed: 0 };
  for (let seed = 1; seed <= runs; seed += 1) {
    const random = new Random(seed);
    const plan = planWith(random);
    const workSec = workOf(plan, random);
    const ratio = makespanSec(plan, cores, workSec) / lowerBoundSec(plan, cores, workSec);
    sum += ratio;
    if (ratio > worst.ratio) worst = { ratio, seed };
  }
  return { mean: sum / runs, worst };
}

/** The work of each node is anything from half to twice its estimate. */
function misjudged(plan: Plan, random: Random): RealWork {
  const work = new Map(
    plan.nodes.map(({ id, estimate }) => {
      return [id, estimate.coreSeconds * 2 ** (random.fraction() * 2 - 1)];
    }),
  );
  return (nodeId) => work.get(nodeId) ?? 0;
}

describe('a job of nodes with one core each', () => {
  test('never takes longer than Graham’s bound for list schedules allows', () => {
    // R. L. Graham, "Bounds on multiprocessing timing anomalies" (1969): work / m + (1 − 1/m) · path.
    for (const cores of [1, 2, 3, 4, 8]) {
      for (let seed = 1; seed <= runs / 2; seed += 1) {
        const plan = narrowPlan(new Random(seed));
        const workSec = asEstimated(plan);
        const totalSec = plan.nodes.reduce((sum, node) => sum + node.estimate.coreSeconds, 0);
        const pathSec = lowerBoundSec(plan, totalSec * 1000, workSec);
        const mostSec = totalSec / cores + (1 - 1 / cores) * pathSec;
        expect(makespanSec(plan, cores, workSec), `seed ${seed}`).toBeLessThan(mostSec + 1e-6);
      }
    }
  });
});

describe('a job of nodes that can use several cores', () => {
  test.each([1, 2, 4, 8])(
    'takes at most twice its bound, mostly far less, on %d cores',
    (cores) => {
      const { mean, worst } = ratios(widePlan, cores);
      expect(worst.ratio, `seed ${worst.seed}`).toBeLessThan(2);
      expect(mean).toBeLessThan(1.16);
    },
  );

  test.each([2, 4, 8])('takes little longer when the estimates are wrong, on %d cores', (cores) => {
    const { mean, worst } = ratios(widePlan, cores, misjudged);
    expect(mean).toBeLessThan(1.19);
    expect(worst.ratio, `seed ${worst.seed}`).toBeLessThan(2.5);
  });
});

describe('the nine nodes', () => {
  /** Films of seconds to an hour, with light and heavy recognition. */
  const plans = [5, 10, 30, 60, 300, 3600].flatMap((durationSec) =>
    [0.05, 0.3, 1].flatMap((speechFactor) =>
      [1, 4].map((speechCoresMax) =>
        standardPlan({ durationSec, transcodeCoresMax: 8, speechCoresMax, speechFactor }),
      ),
    ),
  );

  /** Cores → the mean and the worst that was measured, with a little room for changes that do not matter. */
  test.each([
    { cores: 1, meanMax: 1.01, worstMax: 1.01 },
    { cores: 2, meanMax: 1.13, worstMax: 1.24 },
    { cores: 4, meanMax: 1.36, worstMax: 1.61 },
    { cores: 8, meanMax: 1.29, worstMax: 1.42 },
  ])('take as long as the bound, or little longer, on $cores cores', (aim) => {
    const found = plans.map((plan) => {
      const workSec = asEstimated(plan);
      return makespanSec(plan, aim.cores, workSec) / lowerBoundSec(plan, aim.cores, workSec);
    });
    expect(Math.max(...found)).toBeLessThan(aim.worstMax);
    expect(found.reduce((sum, ratio) => sum + ratio, 0) / found.length).toBeLessThan(aim.meanMax);
  });
});
