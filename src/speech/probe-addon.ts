import type { Failure } from '../base/failure.ts';
import { ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { runSpeechChild } from './run-speech-child.ts';
import type { SpeechContext } from './speech-context.ts';

/** Loading the library takes a tenth of a second; on a busy machine with a slow disk much longer. */
const probeLimitMs = 60_000;

/** Ends no probe: its answer serves all jobs. */
const noSignal = new AbortController().signal;

/**
 * Whether the addon can be loaded here, tried once in a child process; the version when it can. A
 * failure is not kept, as it may have been the moment's.
 */
export class AddonProbe {
  readonly #context: SpeechContext;
  #version: Promise<Result<string, Failure>> | undefined;

  constructor(context: SpeechContext) {
    this.#context = context;
  }

  /** The addon's version. Failure: `tool`, or `timeout`. */
  async version(): Promise<Result<string, Failure>> {
    this.#version ??= probe(this.#context);
    const version = await this.#version;
    if (!version.ok) this.#version = undefined;
    return version;
  }
}

async function probe(context: SpeechContext): Promise<Result<string, Failure>> {
  let version = '';
  const run = await runSpeechChild(
    { task: 'probe' },
    {
      signal: noSignal,
      timeoutMs: probeLimitMs,
      threads: 1,
      onMessage: (message) => {
        if (message.event === 'loaded') ({ version } = message);
      },
    },
    context,
  );
  return run.ok ? ok(version) : run;
}
