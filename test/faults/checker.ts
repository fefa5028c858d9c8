import { join } from 'node:path';
import { failureCodes } from '../../src/api/problem.ts';
import { findLeftovers } from './data-directory-table.ts';
import type { History, UploadRecord } from './history.ts';
import { processesOf } from './processes-of.ts';
import { mismatchOf } from './product-check.ts';
import type { ProductCheck } from './product-check.ts';
import { readStoredJobs } from './stored-jobs.ts';
import type { StoredArtifact, StoredJobRow, StoredState } from './stored-jobs.ts';

/** What a check compares. */
export interface CheckParts {
  readonly history: History;
  /** Absolute path of the data directory. */
  readonly dataDir: string;
  readonly products: ProductCheck;
  /** The process of the service, if it runs. */
  readonly servicePid?: number;
  /** Where it answers, to compare that, too; what it says is not asked unless this is given. */
  readonly serviceUrl?: string;
}

/** What a check found. */
export interface CheckReport {
  /** Each begins with the name of the promise that is broken, I1 … I8. */
  readonly violations: readonly string[];
  readonly jobs: number;
  /** Attempts that were started. */
  readonly nodeRuns: number;
  /** Attempts beyond the first of their node. */
  readonly rerunNodes: number;
  /** Nodes that ran again although they had succeeded. */
  readonly doneTwice: number;
}

const terminalPhases: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/**
 * Compares what clients were told with the database, the disk and the answers of the service, once every
 * job should have ended:
 *
 * - I1 every accepted upload ends in exactly one terminal state, and stays there
 * - I2 what succeeded has all its products, as recorded, and they decode
 * - I3 what failed says why, with a stable code, and has nothing in the storage
 * - I4 no file is counted for two jobs, two nodes or two attempts; no finished node runs again
 * - I5 no file, directory or process is left behind
 * - I7 the database is sound
 * - I8 an upload that was not accepted is there whole or not at all; a broken or refused one is not
 *
 * (I6, a restart that needs no hand, is what whoever restarts the service sees.)
 */
export async function check(parts: CheckParts): Promise<CheckReport> {
  const state = readStoredJobs(join(parts.dataDir, 'reelgraph.sqlite'));
  const { jobs } = state;
  const runs = jobs.map((job) => runsOf(job));
  const violations = [
    ...checkUploads(parts.history, jobs),
    ...jobs.flatMap((job) => [...checkEnd(job), ...checkFailure(job)]),
    ...checkReads(parts.history, jobs),
    ...(await Promise.all(jobs.map((job) => checkProducts(job, parts)))).flat(),
    ...checkOwnership(jobs),
    ...runs.flatMap(({ doneTwice }) => doneTwice.map((text) => `I4 ${text}`)),
    ...checkLeftovers(state, parts),
    ...state.damage.map((text) => `I7 ${text}`),
  ];
  return {
    violations,
    jobs: jobs.length,
    nodeRuns: sum(runs.map(({ count }) => count)),
    rerunNodes: sum(runs.map(({ rerun }) => rerun)),
    doneTwice: sum(runs.map(({ doneTwice }) => doneTwice.length)),
  };
}

/** How long the last files of an ended job may take to go, in milliseconds, on a busy machine. */
const settleLimitMs = 10_000;

/** Milliseconds between two checks of something that gives no event. */
const recheckMs = 100;

/**
 * Checks until all is well or it has not been for {@link settleLimitMs}: the files that an ended job
 * no longer needs go behind its end, and a killed service's children end a moment behind it. What is in
 * `known` is not waited for.
 */
export async function checkSettled(
  parts: CheckParts,
  known: ReadonlySet<string> = new Set(),
): Promise<CheckReport> {
  const startMs = performance.now();
  for (;;) {
    const report = await check(parts);
    const isOver = performance.now() - startMs > settleLimitMs;
    if (isOver || report.violations.every((violation) => known.has(violation))) return report;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, recheckMs);
    });
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function checkUploads(history: History, jobs: readonly StoredJobRow[]): readonly string[] {
  const byName = Map.groupBy(jobs, ({ upload }) => upload.name);
  const known = new Set(history.uploads.map(({ name }) => name));
  return [
    ...jobs
      .filter(({ upload }) => !known.has(upload.name))
      .map(({ id, upload }) => `I8 job ${id}: nobody sent "${upload.name}"`),
    ...history.uploads.flatMap((upload) => checkUpload(upload, byName.get(upload.name) ?? [])),
  ];
}

function checkUpload(upload: UploadRecord, jobs: readonly StoredJobRow[]): readonly string[] {
  const { name, outcome } = upload;
  const [job, ...others] = jobs;
  const found = others.length === 0 ? [] : [`I4 "${name}" became ${jobs.length} jobs`];
  if (job === undefined) {
    return outcome.type === 'accepted' ? [`I1 "${name}" was accepted and is not there`] : found;
  }
  if (outcome.type === 'aborted' || outcome.type === 'refused') {
    found.push(`I8 "${name}" was ${outcome.type} and became job ${job.id}`);
  }
  if (outcome.type === 'accepted' && outcome.jobId !== job.id) {
    found.push(`I1 "${name}" was answered with ${outcome.jobId} and is job ${job.id}`);
  }
  if (job.upload.sha256 !== upload.sha256 || job.upload.bytes !== upload.bytes) {
    found.push(`I8 job ${job.id} is not of what was sent as "${name}"`);
  }
  return found;
}

function checkEnd({ id, phase, nodes, notices }: StoredJobRow): readonly string[] {
  const ends = notices.filter((notice) => notice.type === 'job' && isTerminal(notice.phase));
  const found: string[] = [];
  if (!terminalPhases.has(phase)) found.push(`I1 job ${id} has not ended: it is ${phase}`);
  else if (ends.length !== 1) found.push(`I1 job ${id} ended ${ends.length} times`);
  else if (ends[0]?.phase !== phase) found.push(`I1 job ${id} is not what its last notice says`);
  else if (notices.at(-1) !== ends[0]) found.push(`I1 job ${id} went on behind its end`);
  const open = nodes.filter((node) => ['running', 'delayed', 'ready'].includes(node.phase));
  if (isTerminal(phase)) {
    found.push(...open.map((node) => `I1 job ${id} has ended, but ${node.id} is ${node.phase}`));
  }
  return found;
}

function isTerminal(phase: string | undefined): boolean {
  return phase !== undefined && terminalPhases.has(phase);
}

/** What a client was told is true for ever. */
function checkReads(history: History, jobs: readonly StoredJobRow[]): readonly string[] {
  const phases = new Map(jobs.map(({ id, phase }) => [id, phase]));
  return [
    ...history.reads
      .filter(({ jobId, state }) => isTerminal(state) && phases.get(jobId) !== state)
      .map(({ jobId, state }) => `I1 job ${jobId} was told to be ${state} and no longer is`),
    ...history.cancels
      .filter(({ jobId, status }) => status === 200 && phases.get(jobId) !== 'cancelled')
      .map(({ jobId }) => `I1 job ${jobId} was cancelled and is ${phases.get(jobId) ?? 'gone'}`),
  ];
}

function checkFailure({ id, phase, failureCode }: StoredJobRow): readonly string[] {
  const isKnown = failureCodes.some((code) => code === failureCode);
  if (phase === 'failed' && !isKnown) return [`I3 job ${id} failed with "${failureCode ?? ''}"`];
  if (phase !== 'failed' && failureCode !== undefined) {
    return [`I3 job ${id} is ${phase} and has a failure`];
  }
  return [];
}

async function checkProducts(job: StoredJobRow, parts: CheckParts): Promise<readonly string[]> {
  if (job.phase !== 'succeeded') return [];
  const products = job.nodes.flatMap(({ artifacts }) => artifacts.filter((made) => made.product));
  const found = await Promise.all(products.map((product) => checkProduct(job, product, parts)));
  const isListed = products.some(({ name }) => name === 'manifest.json');
  return [...(isListed ? [] : [`I2 job ${job.id} has no manifest`]), ...found.flat()];
}

async function checkProduct(
  { id }: StoredJobRow,
  product: StoredArtifact,
  { dataDir, products, serviceUrl }: CheckParts,
): Promise<readonly string[]> {
  const stored = join(dataDir, 'storage', id, product.name);
  const problems = [await products.problemOf(stored, product)];
  if (serviceUrl !== undefined) problems.push(await problemOfAnswer(id, product, serviceUrl));
  return problems.flatMap((problem) =>
    problem === undefined ? [] : [`I2 job ${id}: ${product.name} ${problem}`],
  );
}

async function problemOfAnswer(
  jobId: string,
  product: StoredArtifact,
  url: string,
): Promise<string | undefined> {
  const answer = await fetch(`${url}/v1/jobs/${jobId}/artifacts/${product.name}`);
  const content = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200) return `is answered with ${answer.status}`;
  const mismatch = mismatchOf(content, product);
  return mismatch === undefined ? undefined : `as answered ${mismatch}`;
}

/** Each recorded file belongs to one attempt of one node of one job, the one that succeeded. */
function checkOwnership(jobs: readonly StoredJobRow[]): readonly string[] {
  const owners = new Map<string, string>();
  return jobs.flatMap((job) =>
    job.nodes.flatMap((node) =>
      node.artifacts.flatMap(({ path }) => {
        const owner = `${job.id}/${node.id}/${node.attempt}`;
        const other = owners.get(path);
        owners.set(path, owner);
        if (other !== undefined) return [`I4 ${path} is counted for ${other} and for ${owner}`];
        return path.startsWith(`jobs/${owner}/`) ? [] : [`I4 ${path} is counted for ${owner}`];
      }),
    ),
  );
}

function checkLeftovers({ jobs }: StoredState, parts: CheckParts): readonly string[] {
  const { dataDir, servicePid } = parts;
  const own = servicePid === undefined ? [] : [servicePid];
  return [
    ...findLeftovers(dataDir, jobs).map(
      (path) => `${promiseOf(path, jobs)} ${path} is left behind`,
    ),
    ...processesOf(dataDir, own).map(({ pid, command }) => `I5 process ${pid} runs on: ${command}`),
  ];
}

/** What a job that did not succeed has in the storage is another promise than the rest. */
function promiseOf(path: string, jobs: readonly StoredJobRow[]): string {
  const [folder, jobId] = path.split('/');
  const isUnfinished = jobs.some(({ id, phase }) => id === jobId && phase !== 'succeeded');
  return folder === 'storage' && isUnfinished ? 'I3' : 'I5';
}

interface NodeRuns {
  readonly count: number;
  readonly rerun: number;
  readonly doneTwice: readonly string[];
}

/** Counts starts by what was told of them. */
function runsOf(job: StoredJobRow): NodeRuns {
  const started = new Map<string, number>();
  const succeeded = new Set<string>();
  const doneTwice: string[] = [];
  for (const { type, nodeId, phase } of job.notices) {
    if (type !== 'node' || nodeId === undefined) continue;
    if (phase === 'succeeded') {
      if (succeeded.has(nodeId)) doneTwice.push(`${nodeId} of job ${job.id} succeeded twice`);
      succeeded.add(nodeId);
    }
    if (phase !== 'running') continue;
    started.set(nodeId, (started.get(nodeId) ?? 0) + 1);
    if (succeeded.has(nodeId))
      doneTwice.push(`${nodeId} of job ${job.id} had succeeded and ran again`);
  }
  const counts = [...started.values()];
  return { count: sum(counts), rerun: sum(counts.map((times) => times - 1)), doneTwice };
}
