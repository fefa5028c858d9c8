import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { jobSchema } from '../../src/api/schema.ts';
import type { JobView } from '../../src/api/schema.ts';
import { generateCorpus } from '../../fixtures/corpus/generate.ts';
import type { MadeCase } from '../../fixtures/corpus/generate.ts';
import { listenerPlaceholder, secretToken } from '../../fixtures/corpus/corpus-case.ts';
import type { CorpusCase } from '../../fixtures/corpus/corpus-case.ts';
import { ServiceProcess, modelPath } from '../e2e/service-process.ts';
import { decodeProducts } from './decode-products.ts';
import type { Expectation } from './expectation.ts';
import { judge, showsSecret } from './judge.ts';
import { plantListener } from './planted-listener.ts';

/** How a corpus is run. */
export interface CorpusRun {
  readonly cases: readonly CorpusCase[];
  readonly expectations: Readonly<Record<string, Expectation>>;
  /** Where the corpus lies, or is made. */
  readonly directory: string;
  /** The program that makes the clips, and the one that looks at the products. */
  readonly maker: string;
  readonly judge: string;
  /** Flags of the service, e.g. another ffmpeg. */
  readonly flags: readonly string[];
  readonly onCase?: (row: CorpusRow) => void;
}

/** What came of a case. */
export interface CorpusRow {
  readonly name: string;
  /** `succeeded`, or `refused 415 unsupported_format`, or `failed corrupt`. */
  readonly outcome: string;
  readonly seconds: number;
  /** What is not as it should be, as sentences. */
  readonly faults: readonly string[];
}

/** What came of all of them. */
export interface CorpusReport {
  readonly rows: readonly CorpusRow[];
  /** What is wrong with the service as a whole. */
  readonly faults: readonly string[];
  readonly seconds: number;
  /** Of the service: resident bytes and open descriptors after the first film and after the last case. */
  readonly before: ServiceFootprint;
  readonly after: ServiceFootprint;
}

/** What a service holds. */
export interface ServiceFootprint {
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** Uploads at once. */
const uploadsAtOnce = 4;

/**
 * Seconds from a job's first node to its end: no upload may keep a small machine busy for longer. On a
 * machine that has other work everything takes longer, so it is as many times the common film besides.
 */
const jobSecMax = 20;
const jobMediansMax = 8;

/** How much larger the service may be behind the corpus: heaps grow before they are collected. */
const residentGrowthBytesMax = 128 * 1024 * 1024;

/**
 * Open descriptors that may be left: connections that the client keeps, and children that wait for work
 * with their pipes. A leak of one in each case would be more.
 */
const descriptorGrowthMax = 48;

/** Runs every case through a service of its own; see {@link CorpusReport}. */
export async function runCorpus(run: CorpusRun): Promise<CorpusReport> {
  const startMs = performance.now();
  const { directory, cases } = run;
  const made = await generateCorpus({ directory, ffmpeg: run.maker, cases });
  await using listener = await plantListener();
  await using service = await ServiceProcess.start(
    [
      ['--pipelines', join(import.meta.dirname, 'pipelines')],
      ['--whisper-model', modelPath],
      run.flags,
    ].flat(),
  );
  const course = new Course(run, service, listener.port);
  const [first] = made;
  if (first === undefined) throw new Error('There is no case to run.');
  await course.warmUp(first);
  const before = footprintOf(service);
  const rows = withSlowFaults(await course.runAll(made));
  const after = footprintOf(service);
  const faults = [
    ...listener.visits.map((visit) => `somebody made ${visit} to the planted listener`),
    ...growthFaults(before, after),
  ];
  const code = await service.stop();
  faults.push(...(await leftoverFaults(service)));
  if (code !== 0) faults.push(`the service ended with ${code}`);
  if (/"level":"fatal"|uncaught|Unhandled/i.test(service.program.output)) {
    faults.push('the service logged a fatal error');
  }
  return { rows, faults, before, after, seconds: (performance.now() - startMs) / 1000 };
}

/** The way of the cases through one service. */
class Course {
  readonly #run: CorpusRun;
  readonly #service: ServiceProcess;
  readonly #port: number;

  constructor(run: CorpusRun, service: ServiceProcess, port: number) {
    this.#run = run;
    this.#service = service;
    this.#port = port;
  }

  /** One job, so that the service has loaded what it loads once. */
  async warmUp(made: MadeCase): Promise<void> {
    const { jobId } = await this.#post(made);
    if (jobId !== undefined) await this.#service.finish(jobId);
  }

  async runAll(made: readonly MadeCase[]): Promise<readonly CorpusRow[]> {
    const rows: CorpusRow[] = [];
    const waiting = [...made.entries()];
    await Promise.all(
      Array.from({ length: uploadsAtOnce }, async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const [index, entry] = next;
          const row = await this.#runCase(entry);
          rows[index] = row;
          this.#run.onCase?.(row);
        }
      }),
    );
    return rows;
  }

  async #runCase(made: MadeCase): Promise<CorpusRow> {
    const { name } = made;
    const expected = this.#run.expectations[name];
    const startMs = performance.now();
    const posted = await this.#post(made);
    if (posted.jobId === undefined) {
      const outcome = `refused ${posted.status} ${posted.code}`;
      const seconds = (performance.now() - startMs) / 1000;
      return {
        name,
        outcome,
        seconds,
        faults: [...textFaults(posted.text, posted.detail), ...outcomeFaults(expected, outcome)],
      };
    }
    const job = await this.#service.finish(posted.jobId);
    const outcome = job.error === undefined ? job.state : `failed ${job.error.code}`;
    const seconds = secondsOf(job);
    const told = [
      job.error?.message,
      ...job.warnings.map(({ message }) => message),
      ...job.nodes.map(({ error }) => error?.message),
    ];
    const faults = [
      ...textFaults(JSON.stringify(job), told.join(' ')),
      ...outcomeFaults(expected, outcome),
      ...(job.state === 'succeeded' ? await this.#productFaults(job, expected) : []),
    ];
    return { name, outcome, seconds, faults };
  }

  async #productFaults(
    job: JobView,
    expected: Expectation | undefined,
  ): Promise<readonly string[]> {
    const names = job.artifacts.map(({ name }) => name);
    const products = new Map(
      await Promise.all(
        names.map(async (name) => [name, await this.#service.download(job, name)] as const),
      ),
    );
    const directory = join(this.#run.directory, 'products', job.id);
    await mkdir(directory, { recursive: true });
    try {
      const decoded = await decodeProducts(this.#run.judge, products, directory);
      return [
        ...leakFaults(products),
        ...(showsSecret(decoded) ? ['a product shows the planted secret'] : []),
        ...(expected?.outcome === 'succeeded' && expected.words === undefined
          ? judge(expected, decoded)
          : []),
        ...(expected?.outcome === 'succeeded' ? labelFaults(job, expected.label) : []),
        ...(expected?.outcome === 'succeeded' ? captionFaults(products, expected.words) : []),
      ];
    } catch (thrown) {
      return [`the products can’t be decoded: ${String(thrown)}`];
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  async #post({ path, uploadName, name }: MadeCase): Promise<Posted> {
    const form = new FormData();
    const placeholder = Buffer.from(listenerPlaceholder);
    const bytes = replaceAll(
      await readFile(path),
      placeholder,
      Buffer.from(`127.0.0.1:${this.#port}`),
    );
    form.append('file', new Blob([new Uint8Array(bytes)]), uploadName);
    const expected = this.#run.expectations[name];
    const isSpoken = expected?.outcome === 'succeeded' && expected.words !== undefined;
    const pipeline = isSpoken ? 'spoken' : 'corpus';
    const answer = await fetch(`${this.#service.url}/v1/jobs?pipeline=${pipeline}`, {
      method: 'POST',
      body: form,
    });
    const text = await answer.text();
    const body: { code?: string; detail?: string } = JSON.parse(text);
    return answer.status === 201
      ? { status: 201, text, code: '', detail: '', jobId: jobSchema.parse(body).id }
      : { status: answer.status, text, code: body.code ?? '', detail: body.detail ?? '' };
  }
}

interface Posted {
  readonly status: number;
  readonly text: string;
  readonly code: string;
  readonly detail: string;
  readonly jobId?: string;
}

/** The same length, wherever it stands. */
function replaceAll(bytes: Buffer, wanted: Buffer, by: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(wanted); at >= 0; at = copy.indexOf(wanted, at + 1)) by.copy(copy, at);
  return copy;
}

function secondsOf({ startedAt, endedAt }: JobView): number {
  return (Date.parse(endedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
}

function withSlowFaults(rows: readonly CorpusRow[]): readonly CorpusRow[] {
  const common = rows.filter(({ outcome }) => outcome === 'succeeded');
  const sorted = common.map(({ seconds }) => seconds).toSorted((left, right) => left - right);
  const secMax = Math.max(jobSecMax, jobMediansMax * (sorted[sorted.length >> 1] ?? 0));
  return rows.map((row) => {
    if (row.seconds <= secMax) return row;
    return { ...row, faults: [...row.faults, `it took ${row.seconds.toFixed(1)} s`] };
  });
}

function outcomeFaults(expected: Expectation | undefined, outcome: string): readonly string[] {
  const wanted = wantedOutcomes(expected);
  return wanted.includes(outcome) ? [] : [`it ${outcome}, and not ${wanted.join(' or ')}`];
}

function wantedOutcomes(expected: Expectation | undefined): readonly string[] {
  switch (expected?.outcome) {
    case 'refused':
      return [`refused ${expected.status} ${expected.code}`];
    case 'failed':
      return expected.codes.map((code) => `failed ${code}`);
    case 'either':
      return ['succeeded', ...expected.codes.map((code) => `failed ${code}`)];
    case 'succeeded':
      return ['succeeded'];
    default:
      return ['what expected.json says nothing of'];
  }
}

/** What no client may read: paths, commands, stacks, addresses, the words of ffmpeg. */
const privatePattern =
  /ff(mpeg|probe)|\/(tmp|data|usr|scratch|incoming)\/|node:|\bat \w+ \(|0x[0-9a-f]{6}|-i file:|Invalid (data|argument)/i;

function textFaults(answer: string, told: string): readonly string[] {
  return [
    ...(answer.includes(secretToken) ? ['an answer holds the planted secret'] : []),
    ...(privatePattern.test(told) ? [`a client is told too much: ${told}`] : []),
  ];
}

/** Tags of the source, a place on earth among them, that no product may hold. */
const privateMarks = [secretToken, '52.52', 'escape.ttf'];

function leakFaults(products: ReadonlyMap<string, Buffer>): readonly string[] {
  return [...products].flatMap(([name, bytes]) =>
    privateMarks.filter((mark) => bytes.includes(mark)).map((mark) => `${name} holds "${mark}"`),
  );
}

function labelFaults(job: JobView, label: string | undefined): readonly string[] {
  return label === undefined || job.name === label
    ? []
    : [`the film is called ${JSON.stringify(job.name)}, not ${JSON.stringify(label)}`];
}

function captionFaults(
  products: ReadonlyMap<string, Buffer>,
  words: string | undefined,
): readonly string[] {
  if (words === undefined) return [];
  const captions = products.get('captions.vtt')?.toString() ?? '';
  const said = captions
    .split('\n')
    .slice(1)
    .filter((line) => !line.includes('-->'))
    .join(' ');
  return said.toLowerCase().replaceAll(/\s+/g, ' ').includes(words)
    ? []
    : [`the captions say "${said.trim()}", not "${words}"`];
}

function footprintOf({ program }: ServiceProcess): ServiceFootprint {
  const { pid } = program.child;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes = 0] = (/^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []).map(Number);
  return { residentBytes: kibibytes * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

function growthFaults(before: ServiceFootprint, after: ServiceFootprint): readonly string[] {
  const grown = after.residentBytes - before.residentBytes;
  const opened = after.descriptors - before.descriptors;
  return [
    ...(grown > residentGrowthBytesMax
      ? [`the service grew by ${Math.round(grown / 2 ** 20)} MiB`]
      : []),
    ...(opened > descriptorGrowthMax ? [`the service holds ${opened} descriptors more`] : []),
  ];
}

/** Processes and files of unfinished work that outlive the service. */
async function leftoverFaults({ dataDir }: ServiceProcess): Promise<readonly string[]> {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLineOf(pid))
    .filter((line) => line.includes(dataDir));
  const files = await readdir(join(dataDir, 'scratch')).catch(() => []);
  return [
    ...processes.map((line) => `a process is left: ${line}`),
    ...(files.length > 0 ? [`files of unfinished work are left: ${files.join(', ')}`] : []),
  ];
}

/** Empty when the process has ended since. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
