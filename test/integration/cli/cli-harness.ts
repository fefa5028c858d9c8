import { systemClock } from '../../../src/base/clock.ts';
import { failure } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import { findToolchain } from '../../../src/ffmpeg/toolchain.ts';
import type { Toolchain } from '../../../src/ffmpeg/toolchain.ts';
import type { CliContext, RunningApp } from '../../../src/cli/context.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { runCli } from '../../../src/cli/program.ts';
import { loadPipelines } from '../../../src/load-pipelines.ts';
import { FakeScreen } from '../../unit/cli/fake-screen.ts';

interface SignalListener {
  readonly names: readonly NodeJS.Signals[];
  readonly callback: (name: NodeJS.Signals) => void;
}

/** A command line in this process, over a service that the test plays. */
export class CliHarness {
  readonly out: FakeScreen;
  readonly error = new FakeScreen();
  /** The settings that each started service got. */
  readonly started: Settings[] = [];
  /** How many services were closed. */
  closed = 0;
  /** Set by a second signal. */
  killedWith: number | undefined;
  /** What the first thing that a service does answers, when set. */
  refusal: string | undefined;
  readonly #listeners = new Set<SignalListener>();
  readonly #service: RunningApp['service'];
  readonly #env: NodeJS.ProcessEnv;

  constructor(
    service: RunningApp['service'],
    options: { env?: NodeJS.ProcessEnv; out?: FakeScreen } = {},
  ) {
    this.#service = service;
    this.#env = options.env ?? {};
    this.out = options.out ?? new FakeScreen();
  }

  /** Runs a command line; gives its exit code. */
  run(...argv: readonly string[]): Promise<number> {
    return runCli(argv, this.#context());
  }

  /** A signal arrives; by default that of Ctrl-C. */
  interrupt(name: NodeJS.Signals = 'SIGINT'): void {
    for (const { names, callback } of this.#listeners) if (names.includes(name)) callback(name);
  }

  /** How many wait for a signal. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  #context(): CliContext {
    return {
      env: this.#env,
      out: this.out,
      error: this.error,
      clock: systemClock,
      signals: {
        on: (names, callback) => {
          const listener = { names, callback };
          this.#listeners.add(listener);
          return () => void this.#listeners.delete(listener);
        },
        kill: (exitCode) => void (this.killedWith = exitCode),
      },
      version: '1.2.3',
      startApp: async (settings) => {
        this.started.push(settings);
        if (this.refusal !== undefined) return err(failure('storage', this.refusal));
        const toolchain = await findToolchain(settings);
        return toolchain.ok ? ok(this.#app(toolchain.value)) : toolchain;
      },
      loadPipelines,
    };
  }

  #app(toolchain: Toolchain): RunningApp {
    return {
      service: this.#service,
      capacity: { cores: 2, memoryBytes: 1, ioSlots: 1, gpus: 0 },
      toolchain,
      start: async () => ok(undefined),
      listen: async () => ok({ url: 'http://127.0.0.1:1' }),
      drain: async () => {},
      close: async () => {
        this.closed += 1;
      },
    };
  }
}
