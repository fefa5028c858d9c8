import { required } from '../base/assert.ts';
import { isTerminalNode } from './job-state.ts';
import type { JobState } from './job-state.ts';
import { graphOf } from './plan-graph.ts';
import type { PlanGraph } from './plan-graph.ts';

/** How much of a job is left by its nodes' estimates. Ended nodes weigh nothing. */
export interface RemainingWork {
  /** Core-seconds of all nodes that have not ended; a running one counts in full. */
  readonly jobSec: number;
  /** By position: core-seconds on the heaviest path from the node (included) to the job's end. */
  readonly pathSec: readonly number[];
  /** By position: seconds on the slowest path, were every node to run on as many cores as it can. */
  readonly spanSec: readonly number[];
}

/** What is left of a job. */
export function remainingWork(job: JobState): RemainingWork {
  const graph = graphOf(job.plan);
  const left = job.nodes.map(({ phase, estimate }) =>
    isTerminalNode(phase) ? 0 : estimate.coreSeconds,
  );
  const leastSec = job.nodes.map(
    ({ estimate }, index) => (left[index] ?? 0) / Math.max(1, estimate.demand.coresMax),
  );
  return {
    jobSec: left.reduce((sum, sec) => sum + sec, 0),
    pathSec: heaviestPaths(graph, left),
    spanSec: heaviestPaths(graph, leastSec),
  };
}

function heaviestPaths(graph: PlanGraph, weights: readonly number[]): readonly number[] {
  const paths = weights.slice();
  for (const index of graph.order.toReversed()) {
    let heaviest = 0;
    for (const dependent of required(graph.dependents[index], `dependents of ${index}`)) {
      heaviest = Math.max(heaviest, paths[dependent] ?? 0);
    }
    paths[index] = (weights[index] ?? 0) + heaviest;
  }
  return paths;
}
