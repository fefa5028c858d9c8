import { benchScheduler } from './scheduler.bench.ts';
import { measureHandOffFloor } from './floor.ts';
import { benchMakespan } from './makespan.ts';
import type { Spread } from './makespan.ts';

/** Rounds of the makespan benchmark: enough for a median, few enough for two minutes. */
const rounds = 3;

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;
const seconds = (value: number): string => `${value.toFixed(2)} s`;
const rounded = (value: number): number => Number(value.toFixed(2));

console.log('Scheduler core, one thread');
console.table(benchScheduler());

const report = await benchMakespan(rounds);
const { graphSec, serialSec, boundSec } = report;
console.log(
  `\nThe nine-node job on the sample clip, ${report.cores} cores, median of ${rounds} rounds`,
);
console.table({
  reelgraph: seconds(graphSec),
  'one after another': seconds(serialSec),
  '  their commands alone': seconds(report.commandsSec),
  bound: seconds(boundSec),
  '  critical path': seconds(report.criticalPathSec),
  '  CPU time / cores': seconds(report.workPerCoreSec),
  'reelgraph / one after another': (graphSec / serialSec).toFixed(2),
  'reelgraph / bound': (graphSec / boundSec).toFixed(2),
  'cores used by other programs': report.othersCores.toFixed(2),
});
console.log('\nThe last run, in seconds since its start; alone: with all the cores');
console.table(
  Object.fromEntries(
    report.timeline.map(({ nodeId, cores, startSec, endSec, aloneSec, aloneCpuSec }) => [
      nodeId,
      {
        cores,
        start: rounded(startSec),
        end: rounded(endSec),
        alone: rounded(aloneSec),
        'its CPU': rounded(aloneCpuSec),
      },
    ]),
  ),
);
const { nodeSec, bareSec } = report.transcode;
console.log('\nA transcode as a node, against its bare ffmpeg command');
console.table({
  node: seconds(nodeSec),
  'bare command': seconds(bareSec),
  overhead: `${((nodeSec / bareSec - 1) * 100).toFixed(1)} %`,
});
const spread = ({ p50, p95 }: Spread): string => `${p50.toFixed(1)} ms, ${p95.toFixed(1)} ms`;
const floor = await measureHandOffFloor();
console.log('\nHand-off, median and 95 %: what a node waited for is over → its child is spawned');
console.table(
  Object.fromEntries(
    report.handOffs.map(({ method, count, fromRunEndMs, fromRecordMs, heldUpMs }) => [
      `children started by ${method}`,
      {
        'run ends → spawned': spread(fromRunEndMs),
        'recorded as done → spawned': spread(fromRecordMs),
        'the start holds the service up': spread(heldUpMs),
        'hand-offs': count,
      },
    ]),
  ),
);
console.log('\nWhat the machine itself takes');
console.table({
  'a spawn from this process': milliseconds(floor.spawnMs),
  'a sync': milliseconds(floor.syncMs),
  'a spawn and three syncs': milliseconds(floor.spawnMs + 3 * floor.syncMs),
});
