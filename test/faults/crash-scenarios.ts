import { appendFile, copyFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkSettled } from './checker.ts';
import type { CheckParts } from './checker.ts';
import { describeCrash, distinctPoints, isNoProbe, readPoints } from './crash-points.ts';
import type { Crash, NamedPoint } from './crash-points.ts';
import { FaultyService } from './faulty-service.ts';
import { Findings } from './findings.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import { makeClip } from './small-work.ts';
import type { SmallWork } from './small-work.ts';

/** One turn of a scenario: what comes before the kill, what the kill comes in, and what follows. */
interface Turn {
  readonly service: FaultyService;
  readonly client: RecordingClient;
  readonly work: SmallWork;
  /** From 1; no two turns of a service have the same. */
  readonly number: number;
}

/** Requests that a kill may come in, over and over on one data directory. */
export interface Scenario {
  readonly flags: readonly string[];
  readonly check: Pick<CheckParts, 'cacheBytesMax' | 'keepsSources'>;
  /** Brings about what the requests are about; gives the job, if that is one. */
  prepare(turn: Turn): Promise<string>;
  /** Where the kill comes; what it asks may have no answer. */
  act(turn: Turn, jobId: string): Promise<void>;
  /** What a client does that got no answer, behind the restart. Says what is wrong. */
  goOn(turn: Turn, jobId: string): Promise<string | undefined>;
}

const keepsSources = true;
const keepingFlags = ['--source-retention-sec', 'forever'];

/** A job that has ended is deleted. */
export function deleteEnded(work: SmallWork): Scenario {
  return {
    flags: [...work.replayFlags, ...keepingFlags],
    check: { keepsSources },
    async prepare({ client }) {
      const jobId = await client.submit(work.clip, { pipeline: 'small' });
      await client.finish(jobId);
      return jobId;
    },
    act: deleteJob,
    goOn: deleteAgain,
  };
}

/** A job whose encoder runs is deleted. */
export async function deleteRunning(work: SmallWork): Promise<Scenario> {
  const film = await makeClip(join(dirname(work.clip), 'long.mp4'), {
    size: '1280x720',
    seconds: 20,
  });
  return {
    flags: [...work.flags, ...keepingFlags],
    check: { keepsSources },
    async prepare({ client }) {
      const jobId = await client.submit(film, { pipeline: 'slow' });
      await client.until(jobId, /"node":"transcode","state":"running"/);
      return jobId;
    },
    act: deleteJob,
    goOn: deleteAgain,
  };
}

async function deleteJob({ client }: Turn, jobId: string): Promise<void> {
  await client.delete(jobId);
}

/** Until somebody says that it is gone or going. */
async function deleteAgain({ client }: Turn, jobId: string): Promise<string | undefined> {
  const status = await client.delete(jobId);
  if (status !== 202 && status !== 204 && status !== 404) return `deleting it again gave ${status}`;
  const job = await client.read(jobId);
  return job && `the deleted job is ${job.state}`;
}

/** A job that a full disk failed is retried, and ends. */
export function retryFailed(work: SmallWork): Scenario {
  const at = { name: 'rename jobs/<job>/transcode/<n>', occurrence: 1 };
  return {
    flags: [...work.replayFlags, ...keepingFlags],
    check: { keepsSources },
    async prepare({ client, service }) {
      await service.arm({ fail: { code: 'ENOSPC', at, lasting: 'same-name' } });
      const jobId = await client.submit(work.clip, { pipeline: 'small' });
      const { state } = await client.finish(jobId);
      if (state !== 'failed') throw new Error(`The job ${state} without a disk.`);
      return jobId;
    },
    async act({ client }, jobId) {
      if ((await client.retry(jobId)) === 202) await client.finish(jobId);
    },
    async goOn({ client }, jobId) {
      if ((await client.read(jobId))?.state === 'failed') await client.retry(jobId);
      const { state } = await client.finish(jobId);
      return state === 'succeeded' ? undefined : `the retried job ${state}`;
    },
  };
}

/** Room for the results of one film and a half: those of each film make way for those of the next. */
const cacheBytesMax = 60_000;

/**
 * A film is sent with a key, and again without one: its results are kept, those of the film before are
 * given up for them, and the second job uses them. Behind the restart it is sent with its key again. No
 * upload is kept behind the end of its job.
 */
export function keepAndReuse(work: SmallWork): Scenario {
  const options = { pipeline: 'small' };
  return {
    flags: [...work.replayFlags, '--cache-bytes-max', String(cacheBytesMax)],
    check: { cacheBytesMax },
    prepare: ({ number }) => makeVariant(work.clip, number),
    async act({ client, number }, film) {
      const first = await client.upload(film, { ...options, key: String(number) });
      if (first.outcome.type !== 'accepted') return;
      await client.finish(first.outcome.jobId);
      const second = await client.upload(film, options);
      if (second.outcome.type === 'accepted') await client.finish(second.outcome.jobId);
    },
    async goOn({ client, number }, film) {
      const states: string[] = [];
      for (const key of [{ key: String(number) }, {}]) {
        const { state } = await client.finish(await client.submit(film, { ...options, ...key }));
        states.push(state);
      }
      await rm(film);
      return states.every((state) => state === 'succeeded') ? undefined : `they ${String(states)}`;
    },
  };
}

/** The same film to whoever plays it, and another upload: it has a box behind it that says nothing. */
async function makeVariant(clip: string, number: number): Promise<string> {
  const path = `${clip}-${number}.mp4`;
  await copyFile(clip, path);
  // ISO 14496-12, 8.1.2: the size of the box, its type and any content.
  const box = Buffer.alloc(12);
  box.writeUInt32BE(box.length);
  box.write('free', 4);
  box.writeUInt32BE(number, 8);
  await appendFile(path, box);
  return path;
}

/** What came of a scenario. */
export interface ScenarioReport {
  readonly findings: readonly string[];
  /** Crashes that came about. */
  readonly crashed: number;
  readonly missed: readonly string[];
  readonly doneTwice: number;
  readonly readyMs: readonly number[];
}

/** Runs turns without a kill and lists what the last one did to the disk while it acted, in order. */
export async function recordScenario(
  scenario: Scenario,
  work: SmallWork,
): Promise<readonly NamedPoint[]> {
  await using service = await FaultyService.create({ flags: scenario.flags });
  await service.start();
  const client = new RecordingClient();
  client.url = service.url;
  const log = join(dirname(work.clip), `scenario-${performance.now()}.log`);
  // The first one has nothing of the one before it, e.g. no results to give up.
  for (const number of [1, 2]) {
    const turn = { service, client, work, number };
    const subject = await scenario.prepare(turn);
    await service.arm(number === 2 ? { log } : {});
    await scenario.act(turn, subject);
  }
  // What follows an answer is done when the service is.
  await service.stop();
  return (await readPoints(log)).filter(isNoProbe);
}

/** The points whose name is not among those known, and the commits around them. */
export function newPoints(
  points: readonly NamedPoint[],
  known: readonly NamedPoint[],
): readonly NamedPoint[] {
  const names = new Set(known.map(({ name }) => name));
  const isNew = (point: NamedPoint | undefined): boolean =>
    point !== undefined && !names.has(point.name);
  const near = points.filter(
    (point, index) =>
      isNew(point) ||
      (point.name === 'commit' && (isNew(points[index - 1]) || isNew(points[index + 1]))),
  );
  return distinctPoints(near);
}

/**
 * Kills a service at each point in turn while a scenario acts, starts it again on the same directory
 * without help, lets the client go on, and checks all there is.
 */
export async function crashScenario(
  scenario: Scenario,
  work: SmallWork,
  crashes: readonly Crash[],
): Promise<ScenarioReport> {
  await using service = await FaultyService.create({ flags: scenario.flags });
  const client = new RecordingClient();
  const products = new ProductCheck('probe');
  const parts = { history: client, products, ...scenario.check };
  const findings = new Findings();
  const missed: string[] = [];
  let doneTwice = 0;
  await service.start();
  client.url = service.url;
  // So that the first crash, too, comes in a turn that follows another one.
  const first = { service, client, work, number: 0 };
  const firstSubject = await scenario.prepare(first);
  await service.arm({});
  await scenario.act(first, firstSubject);
  for (const [index, crash] of crashes.entries()) {
    const turn = { service, client, work, number: index + 1 };
    const subject = await scenario.prepare(turn);
    await service.arm({ kill: crash });
    const gone = service.program.exited;
    await Promise.race([gone, scenario.act(turn, subject).catch(() => gone)]);
    if ((await service.stop()).signal !== 'SIGKILL') missed.push(describeCrash(crash));
    await service.start();
    client.url = service.url;
    const problem = await scenario.goOn(turn, subject);
    if (problem !== undefined) findings.list.push(`${describeCrash(crash)}: ${problem}`);
    const isLast = index === crashes.length - 1;
    const whole = { ...parts, ...service.facts, ...(isLast && { serviceUrl: service.url }) };
    const report = await checkSettled(whole, findings.seen);
    doneTwice = report.doneTwice;
    findings.note(describeCrash(crash), report);
  }
  const crashed = crashes.length - missed.length;
  const readyMs = service.readyMs.slice(1);
  return { findings: findings.list, crashed, missed, doneTwice, readyMs };
}
