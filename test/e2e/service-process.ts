import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { basename, join } from 'node:path';
import { jobSchema, type JobView } from '../../src/api/schema.ts';
import { JobClient } from '../../src/cli/job-client.ts';
import { readServerEvents } from '../../src/cli/server-events.ts';
import { createTempDirectory, type TempDirectory } from '../support/temp-directory.ts';

/** The repository's root. */
export const root = join(import.meta.dirname, '..', '..');
/** The clip of the demo: ten seconds of 1080p with eleven spoken words. */
export const samplePath = join(root, 'fixtures', 'sample.mp4');
/** The speech model that knows the words of the clip. */
export const modelPath = join(root, 'fixtures', 'speech-model', 'ggml-digits.bin');

/** A program that was started, with what it wrote so far. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  /** Standard output and error so far, in the order they came. */
  output = '';
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly #listeners = new Set<() => void>();
  #hasExited = false;

  constructor(
    args: readonly string[],
    options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
  ) {
    this.child = spawn(process.execPath, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, NO_COLOR: '1', LANG: 'C.UTF-8', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        for (const listener of this.#listeners) listener();
      });
    }
    this.exited = once(this.child, 'close').then(([code, signal]: (string | number | null)[]) => {
      this.#hasExited = true;
      for (const listener of this.#listeners) listener();
      return {
        code: typeof code === 'number' ? code : null,
        signal: typeof signal === 'string' ? signal : null,
      };
    });
  }

  /** Waits until the output matches, and gives the match; fails when the program ends first. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (this.#hasExited) throw new Error(`It ended without ${String(pattern)}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasExited) this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** A service in a process of its own, as an operator starts it, on a data directory of its own. */
export class ServiceProcess implements AsyncDisposable {
  readonly program: Program;
  readonly url: string;
  readonly dataDir: string;
  readonly #directory: TempDirectory;

  private constructor(program: Program, url: string, directory: TempDirectory) {
    this.program = program;
    this.url = url;
    this.dataDir = join(directory.path, 'data');
    this.#directory = directory;
  }

  static async start(
    flags: readonly string[] = ['--whisper-model', modelPath],
  ): Promise<ServiceProcess> {
    const directory = await createTempDirectory();
    const dataDir = join(directory.path, 'data');
    const program = new Program([
      'src/main.ts',
      'serve',
      '--port',
      '0',
      '--data-dir',
      dataDir,
      ...flags,
    ]);
    try {
      const match = await program.waitFor(/listens on (http:\/\/[^\s]+)/);
      return new ServiceProcess(program, match[1] ?? '', directory);
    } catch (thrown) {
      await program[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Uploads a file as a form; gives the answer as it is. */
  async post(path: string): Promise<Response> {
    const form = new FormData();
    form.append('file', await openAsBlob(path), basename(path));
    return fetch(`${this.url}/v1/jobs`, { method: 'POST', body: form });
  }

  /** Uploads a file that is accepted, and gives the new job. */
  async submit(path: string): Promise<JobView> {
    const response = await this.post(path);
    const body: unknown = await response.json();
    if (response.status !== 201)
      throw new Error(`HTTP ${response.status}: ${JSON.stringify(body)}`);
    return jobSchema.parse(body);
  }

  async readJob(jobId: string): Promise<JobView> {
    const response = await fetch(`${this.url}/v1/jobs/${jobId}`);
    return jobSchema.parse(await response.json());
  }

  /** Follows a job's events to their end, and gives the job as it ended. */
  async finish(jobId: string): Promise<JobView> {
    const response = await fetch(`${this.url}/v1/jobs/${jobId}/events`);
    if (response.body === null) throw new Error('The events have no body.');
    for await (const event of readServerEvents(response.body)) void event;
    return this.readJob(jobId);
  }

  /** Uploads a file and waits for the job's end. */
  async run(path: string): Promise<JobView> {
    const job = await this.submit(path);
    return this.finish(job.id);
  }

  /** A product's bytes. */
  async download(job: JobView, name: string): Promise<Buffer> {
    const artifact = job.artifacts.find((candidate) => candidate.name === name);
    if (artifact === undefined) throw new Error(`There is no ${name}.`);
    const response = await fetch(new URL(artifact.url, this.url));
    return Buffer.from(await response.arrayBuffer());
  }

  /** Asks it to end, as a service manager does, and gives its exit code. */
  async stop(): Promise<number | null> {
    this.program.child.kill('SIGTERM');
    return (await this.program.exited).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** A client as the command line has it. */
export function clientOf(service: ServiceProcess): JobClient {
  return new JobClient(service.url);
}
