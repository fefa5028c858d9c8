import { EventEmitter, once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failure } from '../../src/base/failure.ts';
import type { Failure, FailureCode } from '../../src/base/failure.ts';
import { err, ok } from '../../src/base/result.ts';
import type { Result } from '../../src/base/result.ts';
import type { NodeAttempt, NodeKind, NodeOutcome } from '../../src/nodes/node-kind.ts';
import type { KindSpec, OutputSpec } from '../../src/pipeline/kind-spec.ts';
import { fakeKinds } from './kinds.ts';
import { estimateOf } from './plans.ts';
import { probeOf } from './probes.ts';

type Outcome = Result<NodeOutcome, Failure>;

/** One run of a node, which goes on until the test ends it. */
export class PuppetRun {
  readonly attempt: NodeAttempt;
  readonly outcome: Promise<Outcome>;
  /** Whether the test has begun to end it. */
  isEnding = false;
  readonly #outputs: readonly OutputSpec[];
  readonly #end: (outcome: Outcome) => void;
  readonly #throw: (thrown: unknown) => void;

  constructor(attempt: NodeAttempt, outputs: readonly OutputSpec[]) {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.attempt = attempt;
    this.outcome = promise;
    this.#outputs = outputs;
    this.#end = resolve;
    this.#throw = reject;
  }

  /** Makes all its outputs and ends well; the `source` comes with the probe of a film. */
  async succeed(details: Partial<NodeOutcome> = {}): Promise<void> {
    this.isEnding = true;
    const { outputDirectory, nodeId, attempt } = this.attempt;
    for (const { name } of this.#outputs) {
      await writeFile(join(outputDirectory, name), `${name} of ${nodeId}, attempt ${attempt}`);
    }
    const isProbe = this.#outputs.some(({ role }) => role === 'source');
    const files = this.#outputs.map(({ name }) => ({ name }));
    this.end(ok({ files, ...(isProbe && { media: probeOf() }), ...details }));
  }

  /** Ends with a failure of this code. */
  fail(code: FailureCode): void {
    this.end(err(failure(code, `It was ${code}.`)));
  }

  /** Ends with this outcome. */
  end(outcome: Outcome): void {
    this.isEnding = true;
    this.#end(outcome);
  }

  /** Ends by a throw, as a kind with a bug. */
  throw(thrown: unknown): void {
    this.isEnding = true;
    this.#throw(thrown);
  }

  /** Ends as a child does that is told to, once it is. */
  endWhenStopped(): void {
    const { signal } = this.attempt;
    const end = (): void => this.fail('cancelled');
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  }
}

/** Runs whose beginning a test can wait for, and whose end it decides. */
export class Puppets {
  /** All runs so far, in order of beginning. */
  readonly runs: PuppetRun[] = [];
  /** The runs that have not ended. */
  readonly active = new Set<PuppetRun>();
  /** Called with each run as it begins. */
  onBegin: (run: PuppetRun) => void = () => {};
  readonly #begins = new EventEmitter().setMaxListeners(0);

  /** The seven kinds, and `test`, whose outputs are the `files` of its parameters. */
  readonly kinds: ReadonlyMap<string, NodeKind> = new Map(
    [...fakeKinds.values(), testKind].map((spec) => [spec.name, this.#kindOf(spec)]),
  );

  /** The run of an attempt, once it has begun. */
  async begun(jobId: string, nodeId: string, attempt = 1): Promise<PuppetRun> {
    for (;;) {
      const found = this.runs.find(
        (run) =>
          run.attempt.jobId === jobId &&
          run.attempt.nodeId === nodeId &&
          run.attempt.attempt === attempt,
      );
      if (found !== undefined) return found;
      await once(this.#begins, 'begin');
    }
  }

  /** The runs that the test has not begun to end, once there are any. */
  async waiting(): Promise<readonly PuppetRun[]> {
    for (;;) {
      const found = [...this.active].filter(({ isEnding }) => !isEnding);
      if (found.length > 0) return found;
      await once(this.#begins, 'begin');
    }
  }

  /** Attempts begun so far, e.g. `validate 1`, in order. */
  get begins(): readonly string[] {
    return this.runs.map(({ attempt }) => `${attempt.nodeId} ${attempt.attempt}`);
  }

  #kindOf(spec: KindSpec): NodeKind {
    return {
      ...spec,
      run: async (attempt) => {
        const run = new PuppetRun(attempt, spec.outputs(attempt.params));
        this.runs.push(run);
        this.active.add(run);
        this.onBegin(run);
        this.#begins.emit('begin');
        try {
          return await run.outcome;
        } finally {
          this.active.delete(run);
        }
      },
    };
  }
}

const filesSchema = z.array(
  z.object({
    name: z.string(),
    role: z.enum(['source', 'audio', 'captions']),
    mediaType: z.string().default('text/plain'),
    product: z.boolean().default(true),
  }),
);

const testKind: KindSpec = {
  name: 'test',
  version: 1,
  summary: 'Makes the files that its parameters name.',
  params: z.record(z.string(), z.json()),
  inputs: [],
  outputs: ({ files = [] }) => filesSchema.parse(files),
  estimate: () => estimateOf(1),
};
