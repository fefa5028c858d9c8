import { join } from 'node:path';
import { checkCache } from './cache-check.ts';
import { findLeftovers } from './data-directory-table.ts';
import type { History, RequestRecord, UploadRecord } from './history.ts';
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
  /** Processes of the lives of the service that are over. */
  readonly deadPids?: readonly number[];
  /** Where it answers, to compare that, too; what it says is not asked unless this is given. */
  readonly serviceUrl?: string;
  /** Most bytes that the kept results may take; 0, none, unless it is said. */
  readonly cacheBytesMax?: number;
  /** Whether uploads are kept behind the end of their jobs; they are not unless it is said. */
  readonly keepsSources?: boolean;
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
 * - I1 every accepted upload ends in exactly one terminal state, and stays there until somebody retries or
 *   deletes it; what was deleted is gone; only a film that is bad fails, and with its code
 * - I2 what succeeded has all its products, as recorded, and they decode
 * - I3 what failed says why, with a stable code, and has nothing in the storage
 * - I4 no file is counted for two jobs, two nodes or two attempts; no finished node runs again
 * - I5 no file, directory or process is left behind; the kept results are whole and within their limit
 * - I7 the database is sound
 * - I8 an upload that was not accepted is there whole or not at all; a broken or refused one is not
 *
 * (I6, a restart that needs no hand, is what whoever restarts the service sees.)
 */
export async function check(parts: CheckParts): Promise<CheckReport> {
  const state = readStoredJobs(join(parts.dataDir, 'reelgraph.sqlite'));
  const { jobs, results } = state;
  const { history, dataDir, cacheBytesMax: bytesMax = 0 } = parts;
  const runs = jobs.map((job) => runsOf(job));
  const violations = [
    ...checkUploads(history, jobs),
    ...(await checkDeletes(jobs, parts)),
    ...jobs.flatMap((job) => [...checkEnd(job, history), ...checkFailure(job, history)]),
    ...checkReads(history, jobs),
    ...(await Promise.all(jobs.map((job) => checkProducts(job, parts)))).flat(),
    ...checkOwnership(jobs),
    ...runs.flatMap(({ doneTwice }) => doneTwice.map((text) => `I4 ${text}`)),
    ...checkLeftovers(state, parts),
    ...checkCache({ dataDir, results, bytesMax }),
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
    ...checkKeys(history.uploads),
    ...history.uploads.flatMap((upload) =>
      checkUpload(upload, byName.get(upload.name) ?? [], history),
    ),
  ];
}

/** What is sent again with its key is answered with the job that it made. */
function checkKeys(uploads: readonly UploadRecord[]): readonly string[] {
  const keyed = uploads.filter(({ key }) => key !== undefined);
  return [...Map.groupBy(keyed, ({ key }) => key)].flatMap(([key, sent]) => {
    const ids = new Set(
      sent.flatMap(({ outcome }) => (outcome.type === 'accepted' ? [outcome.jobId] : [])),
    );
    return ids.size > 1 ? [`I4 the key "${key}" was answered with ${ids.size} jobs`] : [];
  });
}

function checkUpload(
  upload: UploadRecord,
  jobs: readonly StoredJobRow[],
  { deletes }: History,
): readonly string[] {
  const { name, outcome } = upload;
  const [job, ...others] = jobs;
  const found = others.length === 0 ? [] : [`I4 "${name}" became ${jobs.length} jobs`];
  if (job === undefined) {
    const isLost = outcome.type === 'accepted' && !deletes.some(isAbout(outcome.jobId));
    return isLost ? [`I1 "${name}" was accepted and is not there`] : found;
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

/** Requests about a job that the service did, or may have done. */
function isAbout(jobId: string): (request: RequestRecord) => boolean {
  return ({ jobId: id, status = 200 }) => id === jobId && status < 300;
}

/** What a client was told to be deleted is there no more, nor is anything that is half deleted. */
async function checkDeletes(
  jobs: readonly StoredJobRow[],
  { history, serviceUrl }: CheckParts,
): Promise<readonly string[]> {
  const isThere = new Set(jobs.map(({ id }) => id));
  const told = history.deletes.filter(({ status = 500 }) => status < 300);
  const found = [
    ...jobs
      .filter(({ isDeleted }) => isDeleted)
      .map(({ id }) => `I5 job ${id} is marked as deleted and is still there`),
    ...told
      .filter(({ jobId }) => isThere.has(jobId))
      .map(({ jobId }) => `I1 job ${jobId} was told to be deleted and is there`),
  ];
  if (serviceUrl === undefined) return found;
  for (const { jobId } of told) {
    const answer = await fetch(`${serviceUrl}/v1/jobs/${jobId}`);
    await answer.body?.cancel();
    if (answer.status !== 404) found.push(`I1 deleted job ${jobId} answers ${answer.status}`);
  }
  return found;
}

function checkEnd(
  { id, phase, nodes, notices }: StoredJobRow,
  { retries }: History,
): readonly string[] {
  // Each retry takes one end back.
  const endsMax = 1 + retries.filter(isAbout(id)).length;
  const ends = notices.filter((notice) => notice.type === 'job' && isTerminal(notice.phase));
  const found: string[] = [];
  if (!terminalPhases.has(phase)) found.push(`I1 job ${id} has not ended: it is ${phase}`);
  else if (ends.length < 1 || ends.length > endsMax)
    found.push(`I1 job ${id} ended ${ends.length} times`);
  else if (ends.at(-1)?.phase !== phase)
    found.push(`I1 job ${id} is not what its last notice says`);
  else if (notices.at(-1) !== ends.at(-1)) found.push(`I1 job ${id} went on behind its end`);
  const open = nodes.filter((node) => ['running', 'delayed', 'ready'].includes(node.phase));
  if (isTerminal(phase)) {
    found.push(...open.map((node) => `I1 job ${id} has ended, but ${node.id} is ${node.phase}`));
  }
  return found;
}

function isTerminal(phase: string | undefined): boolean {
  return phase !== undefined && terminalPhases.has(phase);
}

/** What a client was told stays true until it asks for something else. */
function checkReads(history: History, jobs: readonly StoredJobRow[]): readonly string[] {
  const phases = new Map(jobs.map(({ id, phase }) => [id, phase]));
  const lastsUntilNow = (jobId: string, retriesBefore: number): boolean =>
    !history.deletes.some(isAbout(jobId)) &&
    !history.retries.slice(retriesBefore).some(isAbout(jobId));
  return [
    ...history.reads
      .filter(({ jobId, state }) => isTerminal(state) && phases.get(jobId) !== state)
      .filter(({ jobId, retriesBefore }) => lastsUntilNow(jobId, retriesBefore))
      .map(({ jobId, state }) => `I1 job ${jobId} was told to be ${state} and no longer is`),
    ...history.cancels
      .filter(({ jobId, status }) => status === 200 && phases.get(jobId) !== 'cancelled')
      .filter(({ jobId }) => lastsUntilNow(jobId, 0))
      .map(({ jobId }) => `I1 job ${jobId} was cancelled and is ${phases.get(jobId) ?? 'gone'}`),
  ];
}

/** A film that is bad fails with its code and never succeeds; any other one does not fail. */
function checkFailure(
  { id, phase, failureCode, upload }: StoredJobRow,
  { uploads }: History,
): readonly string[] {
  const sent = uploads.find(({ name }) => name === upload.name);
  if (phase !== 'failed' && failureCode !== undefined) {
    return [`I3 job ${id} is ${phase} and has a failure`];
  }
  if (phase === 'succeeded' && sent?.failsWith !== undefined) {
    return [`I1 job ${id} of a film that is bad succeeded`];
  }
  if (phase !== 'failed' || failureCode === sent?.failsWith) return [];
  return [`I3 job ${id} failed with "${failureCode ?? ''}"`];
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
  const { dataDir, keepsSources = false } = parts;
  const kept = keepsSources ? [] : jobs.filter(({ hasSource }) => hasSource);
  return [
    ...kept.map(({ id }) => `I5 job ${id} keeps its upload`),
    ...findLeftovers(dataDir, jobs).map(
      (path) => `${promiseOf(path, jobs)} ${path} is left behind`,
    ),
    ...processesOf(dataDir, parts).map(
      ({ pid, command }) => `I5 process ${pid} runs on: ${command}`,
    ),
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
