import { readFile } from 'node:fs/promises';
import type { FaultPoint } from '../fakes/fault-plan.ts';
import { checkSettled } from './checker.ts';
import type { CheckReport } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import { Findings } from './findings.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import type { SmallWork } from './small-work.ts';

/** A named operation, the k-th of its name in its run. */
export type NamedPoint = Extract<FaultPoint, { readonly name: string }>;

/** The operations of a service's first start and of one upload with its job, in order. */
export interface RecordedPoints {
  readonly start: readonly NamedPoint[];
  readonly job: readonly NamedPoint[];
}

/** Runs a service with one job to its end and lists what it did to its disk. */
export async function recordPoints(work: SmallWork, logPath: string): Promise<RecordedPoints> {
  await using service = await FaultyService.create({ flags: work.replayFlags });
  const startLog = `${logPath}-start`;
  await service.start({ log: startLog });
  const start = await readPoints(startLog);
  await service.arm({ log: logPath });
  const client = new RecordingClient();
  client.url = service.url;
  const { outcome } = await client.upload(work.clip, { pipeline: 'small' });
  if (outcome.type !== 'accepted') throw new Error(`The upload was ${outcome.type}.`);
  const job = await client.finish(outcome.jobId);
  if (job.state !== 'succeeded') throw new Error(`The job ${job.state}: ${JSON.stringify(job)}`);
  // What follows the end of a job is done when the service is.
  await service.stop();
  return { start: start.filter(isNoProbe), job: (await readPoints(logPath)).filter(isNoProbe) };
}

/** The answer to `/readyz` writes a file; it comes whenever somebody asks. */
export function isNoProbe({ name }: NamedPoint): boolean {
  return !name.endsWith('.writable');
}

/** Reads a log of operations, in order. */
export async function readPoints(path: string): Promise<readonly NamedPoint[]> {
  const names = (await readFile(path, 'utf8')).split('\n').filter((name) => name !== '');
  const seen = new Map<string, number>();
  return names.map((name) => {
    const occurrence = (seen.get(name) ?? 0) + 1;
    seen.set(name, occurrence);
    return { name, occurrence };
  });
}

/** The first occurrence of each name, and every commit: each is another step of a job. */
export function distinctPoints(points: readonly NamedPoint[]): readonly NamedPoint[] {
  return points.filter(({ name, occurrence }) => occurrence === 1 || name === 'commit');
}

/** A place to die at. */
export interface Crash {
  readonly at: NamedPoint;
  readonly when: 'before' | 'after';
}

/** What came of crashes on one data directory. */
export interface CrashReport extends CheckReport {
  /** Crash → what was found wrong behind it, new ones only. */
  readonly findings: readonly string[];
  /** Crashes that came about; the others' points were not reached. */
  readonly crashed: number;
  readonly missed: readonly string[];
  /** Milliseconds from each restart to its first answer that it is ready. */
  readonly readyMs: readonly number[];
}

/** Says a crash in words. */
export function describeCrash({ at, when }: Crash): string {
  return `killed ${when} "${at.name}" (${at.occurrence})`;
}

/**
 * Kills a service at each point in turn while it takes an upload and runs its job, starts it again on
 * the same directory without help, lets it finish, sends again what got no answer, and checks all there
 * is. Each life is killed once, so one start serves both as the restart and for the next crash.
 */
export async function crashAtEach(
  crashes: readonly Crash[],
  work: SmallWork,
): Promise<CrashReport> {
  await using service = await FaultyService.create({ flags: work.replayFlags });
  const client = new RecordingClient();
  const parts = { history: client, products: new ProductCheck('probe') };
  const findings = new Findings();
  const { seen } = findings;
  const missed: string[] = [];
  await service.start();
  for (const crash of crashes) {
    client.url = service.url;
    await service.arm({ kill: crash });
    if (!(await loadUntilCrash(service, client, work))) missed.push(describeCrash(crash));
    await service.start();
    client.url = service.url;
    const state = await finishLatest(client, work);
    if (state !== 'succeeded') findings.list.push(`${describeCrash(crash)}: the job ${state}`);
    findings.note(describeCrash(crash), await checkSettled({ ...parts, ...service.facts }, seen));
  }
  const whole = { ...parts, ...service.facts, serviceUrl: service.url };
  const report = await checkSettled(whole, seen);
  findings.note('at the end', report);
  const crashed = crashes.length - missed.length;
  const readyMs = service.readyMs.slice(1);
  return { ...report, findings: findings.list, crashed, missed, readyMs };
}

/**
 * Sends an upload and follows its job until the service is gone. It is killed, or asked to stop when all
 * is done: it waits for what follows the end of a job then. Says whether it was killed.
 */
async function loadUntilCrash(
  service: FaultyService,
  client: RecordingClient,
  work: SmallWork,
): Promise<boolean> {
  const { outcome } = await client.upload(work.clip, { pipeline: 'small' });
  const gone = service.program.exited;
  if (outcome.type === 'accepted') {
    await Promise.race([gone, client.finish(outcome.jobId).catch(() => gone)]);
  }
  return (await service.stop()).signal === 'SIGKILL';
}

/** Waits for the end of the last job, or sends its upload again when that got no answer. */
async function finishLatest(client: RecordingClient, work: SmallWork): Promise<string> {
  const latest =
    client.uploads.at(-1)?.outcome.type === 'accepted'
      ? client.uploads.at(-1)
      : await client.upload(work.clip, { pipeline: 'small' });
  if (latest?.outcome.type !== 'accepted') throw new Error('An upload was not accepted.');
  const job = await client.finish(latest.outcome.jobId);
  return job.state;
}

/** Starts of a service at most until one is through; each does a handful of operations. */
const startsMax = 30;

/**
 * Kills a service before the n-th operation of its very first start, for n = 1, 2, 3 … until a start is
 * through, each on a directory of its own, and starts it again; gives what was found wrong. `count` is
 * the number of kills.
 */
export async function crashEachFirstStart(work: SmallWork): Promise<StartReport> {
  const findings: string[] = [];
  for (let nth = 1; nth <= startsMax; nth += 1) {
    await using service = await FaultyService.create({ flags: work.replayFlags });
    if (!(await dies(service, nth))) return { count: nth - 1, findings };
    await service.start();
    const name = `killed at its first start before operation ${nth}`;
    findings.push(...(await runAndCheck(service, work, { name })));
  }
  throw new Error(`No start was through within ${startsMax} operations.`);
}

/**
 * Kills a service in the middle of a job, then its restarts, one behind the other, before their n-th
 * operation until one is through, and lets that finish the job.
 */
export async function crashEachRecovery(work: SmallWork, inJob: NamedPoint): Promise<StartReport> {
  await using service = await FaultyService.create({ flags: work.replayFlags });
  const client = new RecordingClient();
  await service.start();
  client.url = service.url;
  await service.arm({ kill: { at: inJob, when: 'before' } });
  await loadUntilCrash(service, client, work);
  for (let nth = 1; nth <= startsMax; nth += 1) {
    if (await dies(service, nth)) continue;
    await service.stop();
    await service.start();
    const name = `restarts killed before operations 1 to ${nth - 1}`;
    return { count: nth - 1, findings: await runAndCheck(service, work, { name, client }) };
  }
  throw new Error(`No restart was through within ${startsMax} operations.`);
}

/** What came of kills while a service was starting. */
export interface StartReport {
  readonly count: number;
  readonly findings: readonly string[];
}

/** Starts a life that is to be killed before its n-th operation; false when it takes jobs before. */
async function dies(service: FaultyService, nth: number): Promise<boolean> {
  const program = service.launch({ kill: { at: { nth }, when: 'before' } });
  const listens = program.waitFor(/listens on/).then(() => true);
  const hasStarted = await listens.catch(() => false);
  return !hasStarted;
}

/** Lets a service finish what it has and one job more, and checks all; names what it finds. */
async function runAndCheck(
  service: FaultyService,
  work: SmallWork,
  {
    name,
    client = new RecordingClient(),
  }: { readonly name: string; readonly client?: RecordingClient },
): Promise<readonly string[]> {
  client.url = service.url;
  for (const jobId of client.jobIds) await client.finish(jobId);
  await client.uploadUntilAnswered(work.clip, { pipeline: 'small' });
  await finishLatest(client, work);
  const parts = { history: client, products: new ProductCheck('probe'), ...service.facts };
  const { violations } = await checkSettled({ ...parts, serviceUrl: service.url });
  return violations.map((violation) => `${name}: ${violation}`);
}
