import { join } from 'node:path';
import { planSignal, planTaken, planVariable, writePlan } from '../fakes/fault-plan.ts';
import type { FaultPlan } from '../fakes/fault-plan.ts';
import { Program, root } from '../e2e/service-process.ts';
import type { TempDirectory } from '../support/temp-directory.ts';
import { createTempDirectory } from '../support/temp-directory.ts';
import type { CheckParts } from './checker.ts';
import { processesOf } from './processes-of.ts';

/** A plan as a test gives it; the rest follows from the service. */
export type ServicePlan = Omit<FaultPlan, 'root' | 'serial'>;

/** How a life of the service ended. */
export type Exit = Awaited<Program['exited']>;

/** What stays the same over the lives of a service. */
export interface ServiceOptions {
  /** Flags behind `serve --port 0 --data-dir …`. */
  readonly flags: readonly string[];
  /** Absolute path of the data directory; one of its own unless it is said. */
  readonly dataDir?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const preload = join(root, 'test', 'fakes', 'faulty-io.ts');

/** A service that dies and starts again on one data directory, under `faulty-io.ts`. */
export class FaultyService implements AsyncDisposable {
  readonly dataDir: string;
  readonly #options: ServiceOptions;
  readonly #directory: TempDirectory;
  #program: Program | undefined;
  #url = '';
  readonly #pids: number[] = [];
  #serial = 0;
  /** Milliseconds from each start to the first answer that the service is ready, in order. */
  readonly readyMs: number[] = [];

  private constructor(options: ServiceOptions, directory: TempDirectory) {
    this.#options = options;
    this.#directory = directory;
    this.dataDir = options.dataDir ?? join(directory.path, 'data');
  }

  /** Makes a service that does not run yet. */
  static async create(options: ServiceOptions): Promise<FaultyService> {
    return new FaultyService(options, await createTempDirectory());
  }

  /** Where it listens; changes with every start. */
  get url(): string {
    return this.#url;
  }

  /** The process of the current life. */
  get program(): Program {
    if (this.#program === undefined) throw new Error('The service was not started.');
    return this.#program;
  }

  /** What a check of its directory has to know: where that is, and which lives worked on it. */
  get facts(): Pick<CheckParts, 'dataDir' | 'servicePid' | 'deadPids'> {
    return { dataDir: this.dataDir, servicePid: this.pid, deadPids: this.#pids.slice(0, -1) };
  }

  get pid(): number {
    const { pid } = this.program.child;
    if (pid === undefined) throw new Error('The service has no process.');
    return pid;
  }

  /** Whether the current life answers at all. */
  async answers(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#url}/healthz`);
      await answer.body?.cancel();
      return true;
    } catch {
      return false;
    }
  }

  /** Starts a life with a plan and waits until it takes jobs. Throws, with its output, when it ends. */
  async start(plan: ServicePlan = {}): Promise<void> {
    const startMs = performance.now();
    const program = this.launch(plan);
    const match = await program.waitFor(/listens on (http:\/\/[^\s]+)/);
    this.#url = match[1] ?? '';
    const ready = await fetch(`${this.#url}/readyz`);
    await ready.body?.cancel();
    if (ready.status !== 200) throw new Error(`The service is not ready: ${ready.status}`);
    this.readyMs.push(performance.now() - startMs);
  }

  /** Starts a life that may end before it takes jobs. */
  launch(plan: ServicePlan = {}): Program {
    this.#writePlan(plan);
    const { flags, env } = this.#options;
    const place = ['--port', '0', '--data-dir', this.dataDir];
    this.#program = new Program(['--import', preload, 'src/main.ts', 'serve', ...place, ...flags], {
      env: { ...env, [planVariable]: this.#planPath },
    });
    this.#pids.push(this.pid);
    return this.#program;
  }

  /** Gives the running life another plan, which counts from now on. */
  async arm(plan: ServicePlan): Promise<void> {
    const serial = this.#writePlan(plan);
    this.program.child.kill(planSignal);
    await this.program.waitFor(new RegExp(`${planTaken} ${serial};`));
  }

  /** Ends the current life as a power cut would, and waits until it is over. */
  async kill(): Promise<void> {
    this.program.child.kill('SIGKILL');
    await this.program.exited;
  }

  /** Asks it to end, as a service manager does. */
  async stop(): Promise<Exit> {
    this.program.child.kill('SIGTERM');
    return this.program.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
    // What a killed life had started is nobody's child any more.
    const left = processesOf(this.dataDir, { deadPids: this.#pids });
    for (const { pid } of left) killIfThere(pid);
    await this.#directory[Symbol.asyncDispose]();
  }

  get #planPath(): string {
    return join(this.#directory.path, 'fault-plan.json');
  }

  #writePlan(plan: ServicePlan): number {
    this.#serial += 1;
    writePlan(this.#planPath, { ...plan, root: this.dataDir, serial: this.#serial });
    return this.#serial;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself since.
  }
}
