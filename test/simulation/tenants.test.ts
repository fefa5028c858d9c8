import { describe, expect, test } from 'vitest';
import { createJob } from '../../src/scheduler/create-job.ts';
import type { TenantWeights } from '../../src/scheduler/fair-share.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import { hostOf } from '../fakes/makespan.ts';
import { estimateOf, planOf } from '../fakes/plans.ts';
import { Random } from '../fakes/random.ts';
import { SimulatedHost } from '../fakes/simulated-host.ts';
import { standardPlan } from '../fakes/standard-plan.ts';

/** A job that somebody submits. */
interface Arrival {
  readonly id: string;
  readonly tenant: string;
  readonly plan: Plan;
  readonly priority?: number;
  readonly atMs: number;
}

/** What a world is, beside its arrivals; work as estimated, everybody with the same weight. */
interface World {
  readonly cores: number;
  readonly weights?: TenantWeights;
  /** Real work by what was estimated, in core-seconds. */
  readonly realSec?: (estimatedSec: number) => number;
}

function hostWith(arrivals: readonly Arrival[], world: World): SimulatedHost {
  const { cores, weights = new Map(), realSec = (sec) => sec } = world;
  const host: SimulatedHost = new SimulatedHost({
    capacity: hostOf(cores),
    random: new Random(1),
    chaos: 0,
    latencyMsMax: 0,
    tenantWeights: weights,
    run: ({ plan }, nodeId) => {
      const node = plan.nodes.find(({ id }) => id === nodeId);
      return {
        workSec: realSec(node?.estimate.coreSeconds ?? 0),
        end: { artifacts: [], warnings: [] },
      };
    },
  });
  for (const { id, tenant, plan, priority = 0, atMs } of arrivals) {
    host.at(atMs, () => host.submit(createJob({ id, tenant, plan, priority, atMs })));
  }
  host.run();
  return host;
}

/** Jobs of one node of so many core-seconds each, of a tenant, that come at once. */
function jobs(tenant: string, count: number, sec: number): readonly Arrival[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${tenant}-${index}`,
    tenant,
    plan: planOf('only', { only: { estimate: estimateOf(sec) } }),
    atMs: 0,
  }));
}

/** The same later. */
function laterBy(atMs: number, arrivals: readonly Arrival[]): readonly Arrival[] {
  return arrivals.map((arrival) => ({ ...arrival, atMs }));
}

/** Core-seconds that each tenant was served up to a time, what runs then counted as far as it is. */
function servedSec(host: SimulatedHost, fromMs: number, untilMs: number): Map<string, number> {
  const served = new Map<string, number>();
  for (const { start } of host.starts) {
    const record = host.jobs.get(start.jobId)?.nodes.find(({ id }) => id === start.nodeId);
    const [startedAtMs = 0, endedAtMs = 0] = [record?.startedAtMs, record?.endedAtMs];
    const ms = Math.min(endedAtMs, untilMs) - Math.max(startedAtMs, fromMs);
    const before = served.get(start.tenant) ?? 0;
    served.set(start.tenant, before + (Math.max(0, ms) / 1000) * start.reservation.cores);
  }
  return served;
}

/** When the first of these tenants has nothing left to start. */
function firstDry(host: SimulatedHost, tenants: readonly string[]): number {
  const lasts = tenants.map((tenant) => {
    return Math.max(
      ...host.starts.flatMap(({ start, atMs }) => (start.tenant === tenant ? [atMs] : [])),
    );
  });
  return Math.min(...lasts);
}

describe('the first job of a tenant behind a thousand of another one', () => {
  test.each([
    ['is right', 1, (sec: number) => sec],
    ['is right', 4, (sec: number) => sec],
    ['is ten times too high', 2, (sec: number) => sec / 10],
    ['is ten times too low', 2, (sec: number) => sec * 10],
  ])(
    'starts after one more node of it at most, where the estimate %s, on %d cores',
    (_what, cores, realSec) => {
      const late: Arrival = {
        id: 'late',
        tenant: 'b',
        plan: standardPlan({
          durationSec: 60,
          transcodeCoresMax: 4,
          speechCoresMax: 2,
          speechFactor: 0.3,
        }),
        atMs: 25_000,
      };
      const host = hostWith([...jobs('a', 1000, 10), late], { cores, realSec });
      const first = host.starts.findIndex(({ start }) => start.tenant === 'b');
      const between = host.starts.slice(0, first).filter(({ atMs }) => atMs >= late.atMs);
      // Those that start in the same moment have not kept it waiting.
      const at = host.starts[first]?.atMs ?? Infinity;
      expect(between.filter(({ atMs }) => atMs < at).length).toBeLessThanOrEqual(1);
      expect(between.length).toBeLessThanOrEqual(1);
    },
  );
});

describe('tenants with work for hours', () => {
  const tenants = ['a', 'b', 'c'];

  /** Nodes of one to four cores and of seconds to minutes, sizes of one's own for each tenant. */
  function backlog(random: Random): readonly Arrival[] {
    return tenants.flatMap((tenant, place) =>
      Array.from({ length: 300 }, (_, index) => {
        const coresMin = random.chance(0.2) ? random.integer(1, 3) : 1;
        const coresMax = coresMin + random.integer(0, 2);
        const sec = (1 + random.fraction() * 60) * (place + 1);
        const plan = planOf('only', {
          only: { estimate: estimateOf(sec, { coresMin, coresMax }) },
        });
        return { id: `${tenant}-${index}`, tenant, plan, atMs: random.integer(0, 60_000) };
      }),
    );
  }

  test.each([
    ['right', (sec: number) => sec],
    // Wrong by up to half, another way for each.
    ['wrong', (sec: number) => sec * (0.5 + ((sec * 7919) % 1))],
    ['twice as much for what is long', (sec: number) => (sec > 60 ? 2 * sec : sec)],
  ])('share the host by their weights, where estimates are %s', (_what, realSec) => {
    const weights = new Map([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    for (const seed of [1, 2, 3]) {
      const host = hostWith(backlog(new Random(seed)), { cores: 4, weights, realSec });
      const untilMs = firstDry(host, tenants);
      const served = servedSec(host, 60_000, untilMs);
      const total = [...served.values()].reduce((sum, sec) => sum + sec, 0);
      for (const [tenant, weight] of weights) {
        const share = (served.get(tenant) ?? 0) / total;
        expect(share / (weight / 6), `${tenant}, seed ${seed}`).toBeGreaterThan(0.9);
        expect(share / (weight / 6), `${tenant}, seed ${seed}`).toBeLessThan(1.1);
      }
    }
  });

  test('get nothing for the time in which they had no work', () => {
    const arrivals = [...jobs('a', 600, 10), ...laterBy(1_000_000, jobs('b', 300, 10))];
    const host = hostWith(arrivals, { cores: 2 });
    const served = servedSec(host, 1_000_000, 1_600_000);
    expect((served.get('b') ?? 0) / (served.get('a') ?? 0)).toBeGreaterThan(0.9);
    expect((served.get('b') ?? 0) / (served.get('a') ?? 0)).toBeLessThan(1.1);
  });

  test('are not held up by a stream of new tenants with a job each', () => {
    const newcomers = Array.from({ length: 50 }, (_, index): Arrival => ({
      ...jobs('new', 1, 10)[0]!,
      id: `new-${index}`,
      atMs: index * 20_000,
      tenant: `new-${index}`,
    }));
    const host = hostWith([...jobs('a', 100, 10), ...newcomers], { cores: 1 });
    const startsMs = host.starts.flatMap(({ start, atMs }) => (start.tenant === 'a' ? [atMs] : []));
    const whileTheyCome = startsMs.filter((atMs) => atMs < 1_000_000);
    // They take half of the host's one core, so half of it stays.
    expect(whileTheyCome.length).toBeGreaterThan(45);
  });

  test('leave the host to one whose waiting work has a higher priority', () => {
    const urgent = laterBy(15_000, jobs('b', 5, 10)).map((job) => ({ ...job, priority: 50 }));
    const host = hostWith([...jobs('a', 20, 10), ...urgent], {
      cores: 1,
      weights: new Map([['a', 100]]),
    });
    const order = host.starts.map(({ start }) => start.tenant).join('');
    expect(order).toBe(`aabbbbb${'a'.repeat(18)}`);
  });

  test('of a low priority come to their turn behind an endless stream of a high one', () => {
    // More than the host can take, for four hours.
    const stream = Array.from({ length: 500 }, (_, index): Arrival => ({
      ...jobs('high', 1, 30)[0]!,
      id: `high-${index}`,
      atMs: index * 29_000,
      priority: 50,
    }));
    const low = laterBy(60_000, jobs('low', 1, 30)).map((job) => ({ ...job, priority: -50 }));
    const host = hostWith([...stream, ...low], { cores: 1 });
    const startedMs = host.starts.find(({ start }) => start.tenant === 'low')?.atMs ?? Infinity;
    const agedMs = 60_000 + 100 * 60_000;
    expect(startedMs).toBeGreaterThanOrEqual(agedMs);
    expect(startedMs).toBeLessThanOrEqual(agedMs + 2 * 30_000);
  });
});
