import { createJob } from '../../src/scheduler/create-job.ts';
import type { Plan, PlannedNode } from '../../src/pipeline/plan.ts';
import type { Capacity } from '../../src/resources/demand.ts';
import { widthLoss } from '../../src/scheduler/choose-cores.ts';
import { gibibyte } from '../../src/base/units.ts';
import { artifactOf } from './random-jobs.ts';
import { Random } from './random.ts';
import { secondsOn, SimulatedHost } from './simulated-host.ts';
import type { HostScript } from './simulated-host.ts';

/** Real work in core-seconds by node id; the estimates need not know it. */
export type RealWork = (nodeId: string) => number;

/** A host with enough of all but cores. */
export function hostOf(cores: number): Capacity {
  return { cores, memoryBytes: 1024 * gibibyte, ioSlots: 4, gpus: 0 };
}

/**
 * A host on which a single job has run from its upload to its end, by the product's own decisions, when
 * work divides perfectly over cores and hand-offs take no time. Every node makes what others read.
 */
export function runAlone(plan: Plan, cores: number, workSec: RealWork): SimulatedHost {
  return runJob(plan, workSec, { capacity: hostOf(cores), widthLoss: 0 });
}

function runJob(
  plan: Plan,
  workSec: RealWork,
  world: Pick<HostScript, 'capacity' | 'widthLoss'>,
): SimulatedHost {
  const host = new SimulatedHost({
    ...world,
    random: new Random(1),
    chaos: 0,
    latencyMsMax: 0,
    run: (_job, nodeId) => ({
      workSec: workSec(nodeId),
      end: { artifacts: outputsOf(plan, nodeId), warnings: [] },
    }),
  });
  host.at(0, () => host.submit(createJob({ id: 'job', plan, priority: 0, atMs: 0 })));
  host.run();
  return host;
}

/**
 * Seconds from the upload to the end of a single job on such a host, but every core beyond the first
 * costs a node what the schedule expects ({@link widthLoss}).
 */
export function makespanSec(plan: Plan, cores: number, workSec: RealWork): number {
  const host = runJob(plan, workSec, { capacity: hostOf(cores), widthLoss });
  return (host.jobs.get('job')?.endedAtMs ?? Infinity) / 1000;
}

/** What no schedule can beat: the critical path at full width, and all work, done narrowly, on all cores. */
export function lowerBoundSec(plan: Plan, cores: number, workSec: RealWork): number {
  const chains = new Map<string, number>();
  let totalSec = 0;
  for (const { id, needs, estimate } of plan.nodes) {
    const { coresMax } = estimate.demand;
    const width = Math.max(1, Math.min(cores, coresMax));
    const before = Math.max(0, ...needs.map((need) => chains.get(need) ?? 0));
    chains.set(id, before + secondsOn(workSec(id), width, widthLoss));
    if (coresMax > 0) totalSec += workSec(id);
  }
  return Math.max(totalSec / cores, ...chains.values());
}

/** The real work is exactly what was estimated. */
export function asEstimated(plan: Plan): RealWork {
  const work = new Map(plan.nodes.map(({ id, estimate }) => [id, estimate.coreSeconds]));
  return (nodeId) => work.get(nodeId) ?? 0;
}

/** One artifact of every role that anybody reads from the node. */
function outputsOf(plan: Plan, nodeId: string) {
  const read = (node: PlannedNode) =>
    node.inputs.flatMap(({ role, from }) => (from.includes(nodeId) ? [role] : []));
  return [...new Set(plan.nodes.flatMap(read))].map((role) => artifactOf(nodeId, role));
}
