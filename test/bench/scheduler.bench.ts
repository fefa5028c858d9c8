import { createJob } from '../../src/scheduler/create-job.ts';
import type { Offer } from '../../src/scheduler/effect.ts';
import { usageAfterRound } from '../../src/scheduler/fair-share.ts';
import type { Shares } from '../../src/scheduler/fair-share.ts';
import { handle } from '../../src/scheduler/handle.ts';
import type { JobState } from '../../src/scheduler/job-state.ts';
import { decide } from '../../src/scheduler/select.ts';
import type { RunningStart } from '../../src/scheduler/select.ts';
import type { Plan } from '../../src/pipeline/plan.ts';
import { hostOf } from '../fakes/makespan.ts';
import { estimateOf, nodeOf } from '../fakes/plans.ts';
import { Random } from '../fakes/random.ts';
import { standardPlan } from '../fakes/standard-plan.ts';

/** One row of the report. */
export interface SchedulerBenchRow {
  readonly name: string;
  /** Events handled, or rounds of starts decided, per second on one thread. */
  readonly decisionsPerSecond: number;
  /** Microseconds of one. */
  readonly eachUs: number;
}

/** Time that each row measures, in milliseconds: long enough for a settled compiler. */
const measureMs = 400;

/** How fast the pure core decides: `handle` per event, `decide` per round of starts. */
export function benchScheduler(): readonly SchedulerBenchRow[] {
  const nine = standardPlan({
    durationSec: 60,
    transcodeCoresMax: 8,
    speechCoresMax: 4,
    speechFactor: 0.3,
  });
  const wide = widePlan(1000);
  const thousand = offersOf(1000);
  return [
    measure('handle: whole life of a nine-node job', () => runThrough(nine)),
    measure('handle: whole life of a job of 1,000 parallel nodes', () => runThrough(wide)),
    ...[10, 1000, 10_000].flatMap((count) => {
      const offers = offersOf(count);
      const name = `select: ${count} offers, idle host of 8 cores`;
      return [
        measure(name, () => decideOnce({ offers, cores: 8 })),
        measure(`${name}, 1 tenant`, () => decideOnce({ offers, cores: 8, shares: sharesOf(1) })),
        ...[3, 200].map((tenants) => {
          const ofTenants = shareOut(offers, tenants);
          const shares = sharesOf(Math.min(tenants, count));
          return measure(`${name}, ${tenants} tenants`, () =>
            decideOnce({ offers: ofTenants, cores: 8, shares }),
          );
        }),
      ];
    }),
    measure('select: 1000 offers, one core of 64 free', () =>
      decideOnce({ offers: thousand, cores: 64, busyCores: 63 }),
    ),
    measure('select: 1000 offers, full host of 8 cores', () =>
      decideOnce({ offers: thousand, cores: 8, busyCores: 8 }),
    ),
  ];
}

/** Repeats `act`, which says how many decisions it made, for about {@link measureMs}. */
function measure(name: string, act: () => number): SchedulerBenchRow {
  act();
  const startedAtMs = performance.now();
  let decisions = 0;
  while (performance.now() - startedAtMs < measureMs) decisions += act();
  const perMs = decisions / (performance.now() - startedAtMs);
  return {
    name,
    decisionsPerSecond: Math.round(perMs * 1000),
    eachUs: Number((1000 / perMs).toFixed(1)),
  };
}

/** Starts and ends every node in the order of the plan; two events each. */
function runThrough(plan: Plan): number {
  let job: JobState = createJob({ id: 'job', plan, priority: 0, atMs: 0 });
  job = handle(job, { type: 'job-submitted', atMs: 0 }).job;
  for (const { id: nodeId } of plan.nodes) {
    const facts = { atMs: 1, nodeId, attempt: 1 };
    job = handle(job, { type: 'attempt-started', ...facts, cores: 1 }).job;
    job = handle(job, { type: 'attempt-succeeded', ...facts, artifacts: [], warnings: [] }).job;
  }
  return 2 * plan.nodes.length + 1;
}

/** What is decided on. */
interface Round {
  readonly offers: readonly Offer[];
  readonly cores: number;
  readonly busyCores?: number;
  readonly shares?: Shares;
}

/** With shares, as a worker does it: the decision, and what the tenants were served after it. */
function decideOnce({ offers, cores, busyCores = 0, shares }: Round): number {
  const running = Array.from({ length: busyCores }, (_, index): RunningStart => ({
    reservation: { cores: 1, memoryBytes: 1, ioSlots: 0, gpus: 0 },
    startedAtMs: 0,
    forecast: {
      jobId: `job-${index}`,
      workSec: 20 + index,
      coresMax: 4,
      tailSec: 10,
      tailCores: 2,
    },
  }));
  const selection = { offers, running, capacity: hostOf(cores), nowMs: 1000 };
  if (shares === undefined) {
    decide(selection);
  } else {
    const { starts } = decide({ ...selection, shares });
    usageAfterRound(shares, { offers, running: [], starts, cores });
  }
  return 1;
}

/** The same offers, those of every job by one of so many tenants. */
function shareOut(offers: readonly Offer[], tenants: number): readonly Offer[] {
  return offers.map((offer) => ({
    ...offer,
    tenant: tenantOf(Number(offer.jobId.slice('job-'.length)) % tenants),
  }));
}

/** Tenants that were served more and less. */
function sharesOf(tenants: number): Shares {
  const random = new Random(2);
  const tags = Array.from(
    { length: tenants },
    (_, index) => [tenantOf(index), random.fraction() * 1000] as const,
  );
  return { usage: { presentTag: 0, tags: new Map(tags) }, weights: new Map([[tenantOf(0), 3]]) };
}

function tenantOf(index: number): string {
  return index === 0 ? 'default' : `tenant-${index}`;
}

/** One root, `count` nodes that need it, and one that needs them all. */
function widePlan(count: number): Plan {
  const middle = Array.from({ length: count }, (_, index) =>
    nodeOf(`n${index}`, { needs: ['root'] }),
  );
  const end = nodeOf('end', { needs: middle.map(({ id }) => id) });
  return { pipeline: 'wide', nodes: [nodeOf('root'), ...middle, end] };
}

function offersOf(count: number): readonly Offer[] {
  const random = new Random(1);
  return Array.from({ length: count }, (_, index): Offer => {
    const workSec = 1 + random.fraction() * 100;
    return {
      jobId: `job-${index % 200}`,
      nodeId: `node-${index}`,
      attempt: 1,
      estimate: estimateOf(workSec, { coresMax: random.integer(1, 8) }),
      tenant: 'default',
      priority: 0,
      jobCreatedAtMs: random.integer(0, 1000),
      readyAtMs: 0,
      remainingPathSec: workSec + 10,
      remainingSpanSec: workSec / 2 + 5,
      jobRemainingSec: workSec + 200,
    };
  });
}
