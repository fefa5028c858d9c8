import { truncate, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../fakes/random.ts';
import { checkSettled } from './checker.ts';
import type { CheckReport } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import type { ServicePlan } from './faulty-service.ts';
import { Findings } from './findings.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import type { UploadOptions } from './recording-client.ts';
import { makeClip } from './small-work.ts';
import type { SmallWork } from './small-work.ts';
import { readStoredJobs } from './stored-jobs.ts';

/** A film that a job fails with. */
interface BadFile {
  readonly path: string;
  readonly failsWith: string;
}

/** Files of all kinds that people send. */
export interface MixedFiles {
  readonly films: readonly string[];
  /** Accepted, and found out by a job. */
  readonly bad: readonly BadFile[];
  /** Refused at the door. */
  readonly refused: readonly string[];
}

/** Writes the files into a directory. */
export async function prepareMixedFiles(directory: string, work: SmallWork): Promise<MixedFiles> {
  const at = (name: string): string => join(directory, name);
  const larger = await makeClip(at('larger.mp4'), { size: '256x144', seconds: 3 });
  await copyFile(larger, at('cut.mp4'));
  await truncate(at('cut.mp4'), 10_000);
  await writeFile(at('noise.mp4'), Buffer.alloc(50_000, 0xa5));
  await writeFile(at('list.m3u8'), '#EXTM3U\nhttp://127.0.0.1/film.ts\n');
  return {
    films: [work.clip, larger],
    bad: [
      { path: at('cut.mp4'), failsWith: 'truncated' },
      { path: at('noise.mp4'), failsWith: 'unsupported_format' },
    ],
    refused: [at('list.m3u8')],
  };
}

/** What is done in one round. */
export interface KillOrder {
  readonly work: SmallWork;
  readonly files: MixedFiles;
  readonly rounds: number;
  /** Decides the load and the kill of every round. */
  readonly seed: number;
  /** Told of each round as it ends. */
  readonly onRound?: (round: number, findings: readonly string[]) => void;
}

/** What came of all rounds. */
export interface KillReport extends CheckReport {
  readonly findings: readonly string[];
  /** Rounds in which the kill came about before the load was through. */
  readonly killed: number;
  /** Milliseconds from each restart to its first answer that it is ready. */
  readonly readyMs: readonly number[];
  /** The same of the first start, on an empty directory. */
  readonly emptyReadyMs: number;
}

/** Room for the results of a film or two: others have to go for each new one. */
const cacheBytesMax = 200_000;

/** What ended jobs leave behind stays, for retries and for other jobs. */
const keepingFlags = [
  ...['--cache-bytes-max', String(cacheBytesMax)],
  ...['--source-retention-sec', 'forever'],
];

/**
 * Operations on the disk that a kill is drawn from. A job of `small` does sixty, one of `wide` twice as
 * many, so most rounds have more; a kill that is drawn beyond the end of a round comes at its end.
 */
const operationsMax = 250;

/**
 * Kills a service under mixed load in every round, at an operation that the seed draws, starts it again
 * and lets it finish everything; then checks it all. One data directory and one client for all rounds.
 */
export async function killAtRandom(order: KillOrder): Promise<KillReport> {
  const flags = [...order.work.flags, ...keepingFlags];
  await using service = await FaultyService.create({ flags });
  const client = new RecordingClient();
  const products = new ProductCheck('full');
  const kept = { cacheBytesMax, keepsSources: true };
  const parts = { history: client, products, ...kept };
  const findings = new Findings();
  const { seen } = findings;
  let killed = 0;
  await service.start();
  for (let round = 1; round <= order.rounds; round += 1) {
    // A seed of its own, so that a round can be repeated alone.
    const random = new Random(order.seed + round);
    client.url = service.url;
    await service.arm({ kill: drawKill(random) });
    const replays: Action[] = [];
    await load(client, { files: order.files, random, round, replays });
    // A load that is through without the kill is killed then, in whatever cancelled jobs still do.
    if (!(await service.answers())) killed += 1;
    await service.kill();
    await service.start();
    client.url = service.url;
    for (const replay of replays) await replay(client);
    await finishAll(service, client);
    const report = await checkSettled({ ...parts, ...service.facts }, seen);
    order.onRound?.(round, findings.note(`seed ${order.seed}, round ${round}`, report));
  }
  const whole = { ...parts, ...service.facts, serviceUrl: service.url };
  const report = await checkSettled(whole, seen);
  findings.note(`seed ${order.seed}, at the end`, report);
  const [emptyReadyMs = 0, ...readyMs] = service.readyMs;
  return { ...report, findings: findings.list, killed, readyMs, emptyReadyMs };
}

function drawKill(random: Random): NonNullable<ServicePlan['kill']> {
  const nth = random.integer(1, operationsMax);
  return { at: { nth }, when: random.pick(['before', 'after'] as const) };
}

/** Uploads of a round, all at the same time. */
const uploadsPerRound = 5;

type Action = (client: RecordingClient) => Promise<void>;

/** What the actions of a round are drawn from. */
interface Draw {
  readonly files: MixedFiles;
  readonly random: Random;
  readonly round: number;
  /** Takes what is sent again behind the restart. */
  readonly replays: Action[];
}

async function load(client: RecordingClient, draw: Draw): Promise<void> {
  const actions = Array.from({ length: uploadsPerRound }, (_, index) => drawAction(draw, index));
  await Promise.all(actions.map((act) => act(client)));
}

function drawAction({ files, random, round, replays }: Draw, index: number): Action {
  const pipeline = random.pick(['small', 'wide', 'wide']);
  const film = random.pick(files.films);
  const { path: badFilm, failsWith } = random.pick(files.bad);
  const refusedFile = random.pick(files.refused);
  const abortAfterBytes = random.integer(0, 15_000);
  const key = `${round}-${index}`;
  const whole: Action = (client) => sendAndFollow(client, film, { pipeline });
  const keyed: Action = (client) => {
    replays.push((again) => sendAndFollow(again, film, { pipeline, key }));
    return sendAndFollow(client, film, { pipeline, key });
  };
  const refused: Action = (client) => sendAndFollow(client, refusedFile, { pipeline });
  const abort: Action = (client) => sendAndFollow(client, film, { pipeline, abortAfterBytes });
  const bad: Action = (client) => sendAndFollow(client, badFilm, { pipeline, failsWith });
  const retry: Action = async (client) => {
    const { outcome } = await client.upload(badFilm, { pipeline, failsWith });
    if (outcome.type !== 'accepted') return;
    await follow(client, outcome.jobId);
    await client.retry(outcome.jobId);
    await follow(client, outcome.jobId);
  };
  const cancel: Action = async (client) => {
    const { outcome } = await client.upload(film, { pipeline });
    if (outcome.type === 'accepted') await client.cancel(outcome.jobId);
  };
  const deleteRunning: Action = async (client) => {
    const { outcome } = await client.upload(film, { pipeline });
    if (outcome.type === 'accepted') await client.delete(outcome.jobId);
  };
  const deleteEnded: Action = async (client) => {
    const { outcome } = await client.upload(film, { pipeline });
    if (outcome.type !== 'accepted') return;
    await follow(client, outcome.jobId);
    await client.delete(outcome.jobId);
  };
  const sends = [whole, whole, keyed, keyed, bad, refused, abort];
  return random.pick([...sends, retry, cancel, deleteRunning, deleteEnded]);
}

async function sendAndFollow(
  client: RecordingClient,
  path: string,
  options: UploadOptions,
): Promise<void> {
  const { outcome } = await client.upload(path, options);
  if (outcome.type === 'accepted') await follow(client, outcome.jobId);
}

/** Follows a job to its end, or to that of the service. */
async function follow(client: RecordingClient, jobId: string): Promise<void> {
  await client.finish(jobId).catch(() => undefined);
}

/** Waits for the end of all jobs that there are, also of those whose client got no answer. */
async function finishAll(service: FaultyService, client: RecordingClient): Promise<void> {
  const { jobs } = readStoredJobs(join(service.dataDir, 'reelgraph.sqlite'));
  const open = jobs.filter(
    ({ phase, isDeleted }) => !isDeleted && (phase === 'queued' || phase === 'running'),
  );
  for (const { id } of open) await client.finish(id);
}
