import type { JsonObject } from '../base/json.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import type { Result } from '../base/result.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { MediaRole } from '../graph/media-role.ts';
import type { KindSpec } from '../pipeline/kind-spec.ts';

/** A node kind: its specification and how to run it. One file each; services come by its factory. */
export interface NodeKind<Params = JsonObject> extends KindSpec<Params> {
  /**
   * What a result depends on besides the kind's `version`, the parameters, the bytes and roles of the
   * inputs, and the probe (for a kind without inputs: the bytes of the upload): the versions of programs
   * and models, and limits that it enforces. Where all of that is the same, an earlier result takes the
   * place of a run, so it may depend on nothing else: not on the job, the thread budget or the time. It
   * need not have the same bytes (x264 divides pictures among its threads), but has to be as good.
   *
   * Absent, or undefined: every attempt runs, because the run has effects elsewhere or it is not known
   * what its result depends on. Asked before every start, so it answers at once.
   */
  resultVersion?(params: Params): string | undefined;
  /**
   * Makes the outputs in `attempt.outputDirectory`. Everything it starts has ended when it settles,
   * whatever the outcome. It verifies what it made: a success is promoted as it is.
   */
  run(attempt: NodeAttempt<Params>): Promise<Result<NodeOutcome, Failure>>;
}

/** One execution of a node. */
export interface NodeAttempt<Params = JsonObject> {
  readonly jobId: string;
  readonly nodeId: string;
  readonly attempt: number;
  readonly params: Params;
  readonly inputs: NodeInputs;
  /** The uploaded file, untrusted; only the kind that makes the `source` artifact reads it. */
  readonly upload: { readonly path: string; readonly bytes: number; readonly sha256: string };
  /** The source's probe; absent only before `validate` ended. */
  readonly media: MediaProbe | undefined;
  /** Absolute path of an empty directory of this attempt alone; what is not an output is removed. */
  readonly outputDirectory: string;
  /** Thread budget: never more runnable threads than this. 0 for input/output work. */
  readonly cores: number;
  /** Aborted to end the attempt: by a cancel, the timeout or the service's stop. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Reports progress, 0…1. */
  onProgress(fraction: number): void;
}

/** The input artifacts of an attempt, by role. */
export interface NodeInputs {
  /** The artifact of a `one` or `optional` input; the provider's first one of that role. */
  one(role: MediaRole): InputArtifact | undefined;
  /** All artifacts of a role, in pipeline order. */
  every(role: MediaRole): readonly InputArtifact[];
}

/** An artifact that can be read. */
export interface InputArtifact extends Omit<Artifact, 'path'> {
  /** Absolute path. */
  readonly path: string;
}

/** What a successful run made. */
export interface NodeOutcome {
  /** The files made in the output directory: all of the kind's `outputs`, or fewer. */
  readonly files: readonly ProducedFile[];
  /** Set by the kind that probes the source. */
  readonly media?: MediaProbe;
  /** Things the uploader should know. */
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
}

/** A file that a run made. */
export interface ProducedFile {
  /** The name of one of the kind's outputs. */
  readonly name: string;
  /** Lowercase hex, where the run knows it already; else the worker reads the file. */
  readonly sha256?: string;
}
