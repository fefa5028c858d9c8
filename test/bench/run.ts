import { benchScheduler } from './scheduler.bench.ts';
import { benchMakespan } from './makespan.ts';

/** Rounds of the makespan benchmark: enough for a median, few enough for two minutes. */
const rounds = 3;

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;
const seconds = (value: number): string => `${value.toFixed(2)} s`;

console.log('Scheduler core, one thread');
console.table(benchScheduler());

const report = await benchMakespan(rounds);
const { graphSec, serialSec, boundSec, handOffMs } = report;
console.log(
  `\nThe nine-node job on the sample clip, ${report.cores} cores, median of ${rounds} rounds`,
);
console.table({
  reelgraph: seconds(graphSec),
  'one after another': seconds(serialSec),
  bound: seconds(boundSec),
  '  critical path': seconds(report.criticalPathSec),
  '  CPU time / cores': seconds(report.workPerCoreSec),
  'reelgraph / one after another': (graphSec / serialSec).toFixed(2),
  'reelgraph / bound': (graphSec / boundSec).toFixed(2),
});
console.log('\nHand-off: what a node waited for is done → its child is spawned');
console.table({
  median: milliseconds(handOffMs.p50),
  '95 %': milliseconds(handOffMs.p95),
  'hand-offs': handOffMs.count,
});
