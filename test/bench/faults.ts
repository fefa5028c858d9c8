import { parseArgs } from 'node:util';
import { crashAtEach, crashEachFirstStart, crashEachRecovery } from '../faults/crash-points.ts';
import { recordPoints } from '../faults/crash-points.ts';
import type { Crash } from '../faults/crash-points.ts';
import * as scenarios from '../faults/crash-scenarios.ts';
import { failEach } from '../faults/io-failures.ts';
import { killAtRandom, prepareMixedFiles } from '../faults/random-kills.ts';
import { prepareSmallWork } from '../faults/small-work.ts';
import { createTempDirectory } from '../support/temp-directory.ts';
import { quantile } from './statistics.ts';

/**
 * The long run of the fault injection (`npm run test:faults -- --rounds 100 --seed 1`): random kills, a
 * kill before and behind every single step of a job, of deletions, retries and kept results, and a failure
 * of every single one. It ends with code 1 when anything was lost, done twice or left behind.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    only: { type: 'string', default: 'random,crashes,requests,failures' },
  },
});
/** Milliseconds within which a restart is to take jobs again, on a machine with nothing else to do. */
const readyMsMax = 5000;

const parts = new Set(values.only.split(','));
const seed = Number(values.seed);

await using directory = await createTempDirectory();
const work = await prepareSmallWork(directory.path);
const findings: string[] = [];

if (parts.has('random')) await runRandomKills();
if (parts.has('crashes')) await runCrashes();
if (parts.has('requests')) await runRequests();
if (parts.has('failures')) await runFailures();

console.log('\nLost, done twice or left behind');
console.log(findings.length === 0 ? 'nothing' : findings.join('\n'));
process.exitCode = findings.length === 0 ? 0 : 1;

function milliseconds(value: number): string {
  return `${Math.round(value)} ms`;
}

async function runRandomKills(): Promise<void> {
  const rounds = Number(values.rounds);
  console.log(`Random kills under mixed load: ${rounds} rounds, seed ${seed}`);
  const files = await prepareMixedFiles(directory.path, work);
  const report = await killAtRandom({
    work,
    files,
    rounds,
    seed,
    onRound: (round, found) => {
      if (found.length > 0) console.log(`round ${round}: ${found.join('\n')}`);
    },
  });
  findings.push(...report.findings);
  const late = report.readyMs.filter((readyMs) => readyMs > readyMsMax);
  findings.push(...late.map((readyMs) => `ready again only after ${milliseconds(readyMs)}`));
  if (report.killed === 0) findings.push('no round was killed');
  console.table({
    rounds,
    seed,
    'killed by the plan': report.killed,
    'killed at the end of the load': rounds - report.killed,
    jobs: report.jobs,
    'node runs': report.nodeRuns,
    'node runs lost and repeated': report.rerunNodes,
    'finished nodes that ran again': report.doneTwice,
    'first start, on nothing': milliseconds(report.emptyReadyMs),
    'ready again, median': milliseconds(quantile(report.readyMs, 0.5)),
    'ready again, longest': milliseconds(Math.max(...report.readyMs)),
    findings: report.findings.length,
  });
}

async function runCrashes(): Promise<void> {
  const { job } = await recordPoints(work, `${directory.path}/points`);
  const crashes = job.flatMap((at): readonly Crash[] => [
    { at, when: 'before' },
    { at, when: 'after' },
  ]);
  console.log(`\nKills before and behind each of ${job.length} steps`);
  const halves = [0, 1].map((half) => crashes.filter((_crash, index) => index % 2 === half));
  const reports = await Promise.all(halves.map((half) => crashAtEach(half, work)));
  const atStart = await crashEachFirstStart(work);
  const inPublish = { name: 'rename jobs/<job>/publish/<n>', occurrence: 1 };
  const inRecovery = await crashEachRecovery(work, inPublish);
  const readyMs = reports.flatMap((report) => report.readyMs);
  findings.push(...reports.flatMap((report) => report.findings));
  findings.push(...atStart.findings, ...inRecovery.findings);
  console.table({
    'kills in jobs': reports.reduce((total, { crashed }) => total + crashed, 0),
    'steps not reached': reports.flatMap(({ missed }) => missed).length,
    'kills in first starts': atStart.count,
    'kills in restarts': inRecovery.count,
    jobs: reports.reduce((total, { jobs }) => total + jobs, 0),
    'node runs': reports.reduce((total, { nodeRuns }) => total + nodeRuns, 0),
    'node runs lost and repeated': reports.reduce((total, { rerunNodes }) => total + rerunNodes, 0),
    'finished nodes that ran again': reports.reduce((total, { doneTwice }) => total + doneTwice, 0),
    'ready again, median': milliseconds(quantile(readyMs, 0.5)),
    'ready again, longest': milliseconds(Math.max(...readyMs)),
  });
}

/** Deletions, retries, keys and kept results, killed at each of their steps. */
async function runRequests(): Promise<void> {
  const all = {
    'deletion of an ended job': scenarios.deleteEnded(work),
    'deletion of a running job': await scenarios.deleteRunning(work),
    'retry of a failed job': scenarios.retryFailed(work),
    'kept results and keys': scenarios.keepAndReuse(work),
  };
  for (const [name, scenario] of Object.entries(all)) {
    const points = await scenarios.recordScenario(scenario, work);
    console.log(`\nKills before and behind each of ${points.length} steps: ${name}`);
    const crashes = points.flatMap((at): readonly Crash[] => [
      { at, when: 'before' },
      { at, when: 'after' },
    ]);
    const report = await scenarios.crashScenario(scenario, work, crashes);
    findings.push(...report.findings.map((text) => `${name}: ${text}`));
    console.table({
      kills: report.crashed,
      'steps not reached': report.missed.length,
      'finished nodes that ran again': report.doneTwice,
      'ready again, median': milliseconds(quantile(report.readyMs, 0.5)),
      'ready again, longest': milliseconds(Math.max(...report.readyMs)),
    });
  }
}

async function runFailures(): Promise<void> {
  const { job } = await recordPoints(work, `${directory.path}/points-again`);
  for (const code of ['ENOSPC', 'EIO'] as const) {
    console.log(`\n${code} at the n-th step of a job, n = 1 … ${job.length}`);
    const failures = job.map((_point, index) => ({ code, at: { nth: index + 1 } }));
    const { findings: found, endings, final } = await failEach(failures, work);
    findings.push(...found, ...final.violations);
    console.table({ ...endings, jobs: final.jobs, 'node runs': final.nodeRuns });
  }
}
