import { mkdtemp, rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bareSeconds } from './bare-command.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createApp } from '../../src/app.ts';
import type { AppVariations } from '../../src/app.ts';
import { assert, required } from '../../src/base/assert.ts';
import { newJobId } from '../../src/base/ids.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { gibibyte } from '../../src/base/units.ts';
import { longestRemainingPaths } from './longest-path.ts';
import type { JobService } from '../../src/jobs/job-service.ts';
import { createStarter } from '../../src/processes/create-starter.ts';
import { DirectStarter } from '../../src/processes/direct-starter.ts';
import type { ProcessStarter, StartMethod } from '../../src/processes/process-starter.ts';
import type { JobState } from '../../src/scheduler/job-state.ts';
import { decide } from '../../src/scheduler/select.ts';
import type { Decide } from '../../src/scheduler/select.ts';
import { createIntake } from '../../src/storage/intake.ts';
import { cpuSeconds, machineCpuSeconds } from './cpu-time.ts';
import { quantile } from './statistics.ts';
import { childSeconds, handOffs, runSeconds, startTrace } from './trace.ts';
import type { NodeTrace } from './trace.ts';

const samplePath = join(import.meta.dirname, '..', '..', 'fixtures', 'sample.mp4');

/** One run of the nine-node job. */
interface Run {
  readonly makespanSec: number;
  /** CPU seconds of the service and its children. */
  readonly cpuSec: number;
  readonly cores: number;
  readonly job: JobState;
  readonly traces: readonly NodeTrace[];
  /** What the bare command of {@link comparedNode} takes in the same round. */
  readonly bareSec: number;
  /** How its children were started. */
  readonly method: StartMethod;
}

/** The node whose run is compared with its bare command. */
const comparedNode = 'transcode-720p';

/** What the makespan benchmark found; times in seconds, medians over the rounds. */
export interface MakespanReport {
  readonly cores: number;
  readonly rounds: number;
  /** Cores that other programs used meanwhile, on average; the figures hold where it is near 0. */
  readonly othersCores: number;
  readonly graphSec: number;
  readonly serialSec: number;
  /** The children of the serial runs alone, without anything between them. */
  readonly commandsSec: number;
  /** max(critical path, CPU time / cores), both measured in the serial runs of the same rounds. */
  readonly boundSec: number;
  readonly criticalPathSec: number;
  readonly workPerCoreSec: number;
  /** A transcode as a node with all the cores, and its bare ffmpeg command. */
  readonly transcode: { readonly nodeSec: number; readonly bareSec: number };
  /** The last run of the graph, node by node. */
  readonly timeline: readonly TimelineRow[];
  /** Hand-offs of all rounds together, by the way that children are started. */
  readonly handOffs: readonly HandOffReport[];
}

/** Hand-offs in milliseconds. */
export interface HandOffReport {
  readonly method: StartMethod;
  readonly count: number;
  /** From the end of the run that a node waited for to its child. */
  readonly fromRunEndMs: Spread;
  /** From the record of that end, which is made with the choice of what starts next, to its child. */
  readonly fromRecordMs: Spread;
  /** How long the start itself holds the service up. */
  readonly heldUpMs: Spread;
}

/** A median, and what 95 of 100 stay below. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
}

/** One node's time in a run; seconds since the job's start. */
export interface TimelineRow {
  readonly nodeId: string;
  readonly cores: number;
  readonly startSec: number;
  readonly endSec: number;
  /** What it took with all the cores in the serial run of the same round. */
  readonly aloneSec: number;
  /** CPU seconds of it there; far below `aloneSec` times the cores, it does not use them well. */
  readonly aloneCpuSec: number;
}

/** One node at a time, in pipeline order, each with all the cores: the usual script. */
const oneAfterAnother: Decide = (selection) =>
  selection.running.length > 0
    ? { starts: [] }
    : { starts: decide({ ...selection, offers: selection.offers.slice(0, 1) }).starts };

/**
 * Runs the standard pipeline on the sample clip by the scheduler and one node after another, in turn,
 * so that a machine whose speed drifts slows both.
 */
export async function benchMakespan(rounds: number): Promise<MakespanReport> {
  const graph: Run[] = [];
  const plain: Run[] = [];
  const serial: Run[] = [];
  const begun = { atMs: performance.now(), othersSec: machineCpuSeconds() - cpuSeconds() };
  for (let round = 0; round < rounds; round += 1) {
    serial.push(await runOnce({ decide: oneAfterAnother }));
    graph.push(await runOnce({}));
    plain.push(await runOnce({}, openPlain));
  }
  const othersSec = machineCpuSeconds() - cpuSeconds() - begun.othersSec;
  const criticalPathSec = median(serial.map(({ job, traces }) => criticalPath(job, traces)));
  const workPerCoreSec = median(serial.map(({ cpuSec, cores }) => cpuSec / cores));
  return {
    cores: required(graph[0], 'a round').cores,
    rounds,
    othersCores: (1000 * othersSec) / (performance.now() - begun.atMs),
    graphSec: median(graph.map(({ makespanSec }) => makespanSec)),
    serialSec: median(serial.map(({ makespanSec }) => makespanSec)),
    commandsSec: median(serial.map(({ traces }) => childSeconds(traces))),
    boundSec: Math.max(criticalPathSec, workPerCoreSec),
    criticalPathSec,
    workPerCoreSec,
    transcode: {
      nodeSec: median(serial.map(({ traces }) => runSeconds(traces, comparedNode))),
      bareSec: median(serial.map(({ bareSec }) => bareSec)),
    },
    timeline: timelineOf(required(graph.at(-1), 'a round'), required(serial.at(-1), 'a round')),
    handOffs: [handOffReport(graph), handOffReport(plain)],
  };
}

function handOffReport(runs: readonly Run[]): HandOffReport {
  const found = runs.flatMap(({ job, traces }) => handOffs(job, traces));
  return {
    method: required(runs[0], 'a round').method,
    count: found.length,
    fromRunEndMs: spreadOf(
      found.map(({ spawnedAtMs, runEndedAtMs }) => spawnedAtMs - runEndedAtMs),
    ),
    fromRecordMs: spreadOf(
      found.map(({ spawnedAtMs, recordedAtMs }) => spawnedAtMs - recordedAtMs),
    ),
    heldUpMs: spreadOf(found.map(({ heldUpMs }) => heldUpMs)),
  };
}

function spreadOf(values: readonly number[]): Spread {
  return { p50: quantile(values, 0.5), p95: quantile(values, 0.95) };
}

/** The best way to start children on this machine. */
const openBest = (): Promise<ProcessStarter> => createStarter({ clock: systemClock });

/** The way that forks the service for each of them. */
const openPlain = async (): Promise<ProcessStarter> => new DirectStarter();

async function runOnce(
  variations: AppVariations,
  open: () => Promise<ProcessStarter> = openBest,
): Promise<Run> {
  const directory = await mkdtemp(join(tmpdir(), 'reelgraph-bench-'));
  const trace = startTrace();
  const starter = await open();
  try {
    const settings = loadSettings({
      flags: {
        dataDir: directory,
        whisperModel: 'fixtures/speech-model/ggml-digits.bin',
        logLevel: 'silent',
      },
      env: process.env,
    });
    assert(settings.ok, 'the settings of the benchmark are good');
    const app = await createApp(settings.value.settings, silentLogger, {
      ...variations,
      wrapKind: (kind) => trace.wrap(kind),
      openStarter: async () => trace.wrapStarter(starter),
    });
    assert(app.ok, 'the service starts');
    try {
      const started = await app.value.start();
      assert(started.ok, 'the service takes up work');
      const cpuBefore = cpuSeconds();
      const job = await runJob(app.value.service, directory);
      const { cores } = app.value.capacity;
      const { startedAtMs, endedAtMs } = job;
      const makespanMs = required(endedAtMs, 'an end') - required(startedAtMs, 'a start');
      const makespanSec = makespanMs / 1000;
      const cpuSec = cpuSeconds() - cpuBefore;
      const bareSec = await bareSeconds(trace.nodes, comparedNode, samplePath);
      const { method } = starter;
      return { makespanSec, cpuSec, cores, job, traces: trace.nodes, bareSec, method };
    } finally {
      await app.value.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runJob(service: JobService, dataDirectory: string): Promise<JobState> {
  const jobId = newJobId();
  const { signal } = new AbortController();
  const upload = await createIntake(dataDirectory).receive(createReadStream(samplePath), {
    jobId,
    signal,
    name: 'sample.mp4',
    bytesMax: gibibyte,
  });
  assert(upload.ok, 'the sample is taken in');
  const submitted = await service.submit({
    jobId,
    upload: upload.value,
    pipeline: 'standard',
    params: {},
    priority: 0,
  });
  assert(submitted.ok, 'the job is accepted');
  // Following ends with the job.
  for await (const update of service.follow(jobId, 0, signal)) void update;
  const ended = await service.get(jobId);
  assert(ended.ok && ended.value.job.state.phase === 'succeeded', 'the job succeeds');
  return ended.value.job.state;
}

/** The longest path through the graph in seconds, each node taking what it took with all the cores. */
function criticalPath(job: JobState, traces: readonly NodeTrace[]): number {
  const paths = longestRemainingPaths(job.plan.nodes, (id) => runSeconds(traces, id));
  return Math.max(...paths.values());
}

function timelineOf({ job }: Run, alone: Run): readonly TimelineRow[] {
  const jobStartedAtMs = required(job.startedAtMs, 'a start');
  const since = (atMs: number | undefined): number =>
    ((atMs ?? Number.NaN) - jobStartedAtMs) / 1000;
  return job.nodes.map(({ id: nodeId, cores = 0, startedAtMs, endedAtMs }) => ({
    nodeId,
    cores,
    startSec: since(startedAtMs),
    endSec: since(endedAtMs),
    aloneSec: runSeconds(alone.traces, nodeId),
    aloneCpuSec: alone.traces.find((trace) => trace.nodeId === nodeId)?.cpuSec ?? 0,
  }));
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
