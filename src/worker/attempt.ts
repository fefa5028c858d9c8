import { required } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { failure, failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { formatDuration } from '../base/units.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { InputArtifact, NodeInputs, NodeKind, NodeOutcome } from '../nodes/node-kind.ts';
import type { PlannedInput, PlannedNode } from '../pipeline/plan.ts';
import type { JobState } from '../scheduler/job-state.ts';
import type { AttemptKey, Workspace } from '../storage/workspace.ts';
import type { StoredJob } from '../store/store.ts';

/** What running an attempt needs from the outside. */
export interface AttemptServices {
  readonly workspace: Workspace;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One attempt of a node, ready to run. */
export interface AttemptOrder {
  readonly key: AttemptKey;
  readonly job: StoredJob;
  readonly node: PlannedNode;
  readonly kind: NodeKind;
  /** Thread budget. */
  readonly cores: number;
  /** Aborted when somebody wants the attempt to end (cancel, fail-fast, stop of the service). */
  readonly signal: AbortSignal;
  onProgress(fraction: number): void;
}

/** What a successful attempt made, with its files sealed on disk. */
export interface AttemptResult {
  readonly outcome: NodeOutcome;
  readonly artifacts: readonly Artifact[];
}

/**
 * Runs one attempt from an empty directory to sealed artifacts. It never throws: a kind that does is
 * an `internal` failure. When it fails, its directory is gone. The first cause wins: a timeout that
 * made the kind fail is reported as the timeout.
 */
export async function runAttempt(
  order: AttemptOrder,
  services: AttemptServices,
): Promise<Result<AttemptResult, Failure>> {
  const timeout = new AbortController();
  const cancelTimer = services.clock.after(order.node.timeoutMs, () => timeout.abort());
  try {
    const result = await guarded(order, services, AbortSignal.any([order.signal, timeout.signal]));
    if (result.ok) return result;
    await services.workspace.removeAttempt(order.key);
    return timeout.signal.aborted && !order.signal.aborted
      ? err(timeoutFailure(order.node, result.error))
      : result;
  } finally {
    cancelTimer();
  }
}

function timeoutFailure(node: PlannedNode, caught: Failure): Failure {
  const limit = formatDuration(node.timeoutMs);
  const detail = caught.operatorDetail ?? caught.message;
  return failure('timeout', `"${node.id}" did not end within its time limit of ${limit}.`, detail);
}

async function guarded(
  order: AttemptOrder,
  services: AttemptServices,
  signal: AbortSignal,
): Promise<Result<AttemptResult, Failure>> {
  try {
    return await execute(order, services, signal);
  } catch (thrown) {
    if (isStorageError(thrown)) {
      return err(failureFromThrown(thrown, 'storage', 'The service could not write to its disk.'));
    }
    return err(failureFromThrown(thrown, 'internal', `"${order.node.id}" failed unexpectedly.`));
  }
}

async function execute(
  order: AttemptOrder,
  services: AttemptServices,
  signal: AbortSignal,
): Promise<Result<AttemptResult, Failure>> {
  const { job, node, kind, key } = order;
  const outputDirectory = await services.workspace.createAttempt(key);
  const outcome = await kind.run({
    ...key,
    params: node.params,
    inputs: resolveInputs(job.state, node, services.workspace),
    upload: { ...job.upload, path: services.workspace.absolute(job.upload.path) },
    media: job.state.media,
    outputDirectory,
    cores: order.cores,
    signal,
    logger: services.logger,
    onProgress: (fraction) => order.onProgress(fraction),
  });
  if (!outcome.ok) return outcome;
  if (signal.aborted) return err(failure('cancelled', `"${node.id}" was stopped.`));
  return ok({
    outcome: outcome.value,
    artifacts: await sealOutputs(order, services.workspace, outcome.value),
  });
}

/** The artifacts that a node may read, found through its planned inputs. */
export function resolveInputs(job: JobState, node: PlannedNode, workspace: Workspace): NodeInputs {
  const readable = (input: PlannedInput): readonly InputArtifact[] =>
    input.from.flatMap((nodeId) =>
      required(
        job.nodes.find((record) => record.id === nodeId),
        `node ${nodeId}`,
      )
        .artifacts.filter((artifact) => artifact.role === input.role)
        .map((artifact) => ({ ...artifact, path: workspace.absolute(artifact.path) })),
    );
  const byRole = new Map(node.inputs.map((input) => [input.role, readable(input)]));
  return {
    one: (role) => byRole.get(role)?.[0],
    every: (role) => byRole.get(role) ?? [],
  };
}

/** Makes the files of an outcome durable and describes them, in the order of the kind's outputs. */
async function sealOutputs(
  order: AttemptOrder,
  workspace: Workspace,
  outcome: NodeOutcome,
): Promise<readonly Artifact[]> {
  const directory = workspace.attemptPath(order.key);
  const outputs = order.kind.outputs(order.node.params);
  const artifacts: Artifact[] = [];
  for (const output of outputs) {
    const file = outcome.files.find(({ name }) => name === output.name);
    if (file === undefined) continue;
    const path = `${directory}/${file.name}`;
    const digest = await workspace.seal(workspace.absolute(path), file.sha256);
    artifacts.push({ ...output, ...digest, path });
  }
  await workspace.sealDirectory(workspace.absolute(directory));
  return artifacts;
}

/** Error codes of a file system that has no room or does not work (errno(3)). */
const storageErrorCodes = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EFBIG']);

function isStorageError(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    'code' in thrown &&
    typeof thrown.code === 'string' &&
    storageErrorCodes.has(thrown.code)
  );
}
