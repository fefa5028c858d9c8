import { required } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { errorCodeOf } from '../base/error-code.ts';
import { failure, failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { formatDuration } from '../base/units.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { InputArtifact, NodeInputs, NodeKind, NodeOutcome } from '../nodes/node-kind.ts';
import type { PlannedInput, PlannedNode } from '../pipeline/plan.ts';
import { canRunWithoutCores } from '../resources/demand.ts';
import type { JobState } from '../scheduler/job-state.ts';
import type { NewResult, ResultCache } from '../storage/result-cache.ts';
import type { AttemptKey, Workspace } from '../storage/workspace.ts';
import { StoreError } from '../store/store-error.ts';
import type { StoredJob } from '../store/store.ts';
import { promoteOutputs } from './promote-outputs.ts';
import { reuseResult, toNewResult } from './reuse-result.ts';

/** What running an attempt needs from the outside. */
export interface AttemptServices {
  readonly workspace: Workspace;
  /** Where earlier results are; nothing is looked up when absent. */
  readonly results?: ResultCache;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One attempt of a node, ready to run. */
export interface AttemptOrder {
  readonly key: AttemptKey;
  readonly job: StoredJob;
  readonly node: PlannedNode;
  readonly kind: NodeKind;
  /** The empty directory it works in, which may still be in the making. */
  readonly directory: Promise<string>;
  /** See `resultKeyOf`; absent where no earlier result may be used. */
  readonly resultKey?: string;
  /** Thread budget. */
  readonly cores: number;
  /** Aborted when somebody wants the attempt to end (cancel, fail-fast, stop of the service). */
  readonly signal: AbortSignal;
  onProgress(fraction: number): void;
}

/** What a successful attempt made, with its files on disk at their place. */
export interface AttemptResult {
  readonly outcome: NodeOutcome;
  readonly artifacts: readonly Artifact[];
  /** Set when an earlier result was used and nothing ran. */
  readonly isReused?: true;
  /** What other jobs may use of it, once the attempt is the node's last one. */
  readonly toKeep?: NewResult;
}

/**
 * How an attempt ended. `result-gone`: it was only given what using an earlier result takes, and that
 * could not be used; nothing ran, and nothing failed.
 */
export type AttemptEnd = Result<AttemptResult, Failure> | 'result-gone';

/**
 * How long a kind may take to end once it was told to, in milliseconds. Children have two seconds until
 * SIGKILL (`terminationGraceMs`); as much again is for a loaded system to take them away, and for what
 * the kind itself has to close.
 */
export const stopGraceMs = 5000;

/**
 * Runs one attempt from an empty directory to promoted artifacts. It never throws: a kind that does is
 * an `internal` failure. When it fails, its files are gone. The first cause wins: a timeout that made
 * the kind fail is reported as the timeout. A kind that does not end within {@link stopGraceMs} when it
 * is told to is not waited for.
 */
export async function runAttempt(
  order: AttemptOrder,
  services: AttemptServices,
): Promise<AttemptEnd> {
  const timeout = new AbortController();
  const cancelTimer = services.clock.after(order.node.timeoutMs, () => timeout.abort());
  try {
    const result = await guarded(order, services, AbortSignal.any([order.signal, timeout.signal]));
    if (result !== 'result-gone' && result.ok) return result;
    await removeFiles(order.key, services);
    if (result === 'result-gone') return result;
    return timeout.signal.aborted && !order.signal.aborted
      ? err(timeoutFailure(order.node, result.error))
      : result;
  } finally {
    cancelTimer();
  }
}

/** Files that can't be removed take up room, which is for the operator; the attempt ends as it did. */
async function removeFiles(key: AttemptKey, services: AttemptServices): Promise<void> {
  try {
    await services.workspace.removeAttempt(key);
  } catch (error) {
    services.logger.error({ error }, 'the files of a failed attempt could not be removed');
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
): Promise<AttemptEnd> {
  try {
    return await execute(order, services, signal);
  } catch (thrown) {
    const circumstance = circumstanceOf(thrown);
    if (circumstance !== undefined) {
      return err(failureFromThrown(thrown, circumstance, circumstances[circumstance]));
    }
    if (thrown instanceof StoreError) return err(thrown.failure);
    return err(failureFromThrown(thrown, 'internal', `"${order.node.id}" failed unexpectedly.`));
  }
}

async function execute(
  order: AttemptOrder,
  services: AttemptServices,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const { job, node, kind, key } = order;
  if (signal.aborted) return err(stopped(node));
  const outputDirectory = await order.directory;
  const reused = await reuseResult(order, services);
  if (reused !== undefined) return signal.aborted ? err(stopped(node)) : ok(reused);
  if (!hasRoomToRun(order)) return 'result-gone';
  const running = kind.run({
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
  const outcome = await endOf(running, signal, services);
  if (outcome === 'overdue') return err(overdue(node));
  if (!outcome.ok) return outcome;
  if (signal.aborted) return err(stopped(node));
  const artifacts = await promoteOutputs(order, services.workspace, outcome.value);
  const made = { outcome: outcome.value, artifacts };
  const { resultKey } = order;
  if (resultKey === undefined) return ok(made);
  return ok({ ...made, toKeep: toNewResult({ ...order, resultKey }, made, services.workspace) });
}

/** Whether the attempt was given what running its kind takes, and not only what a kept result takes. */
function hasRoomToRun({ cores, job, node }: AttemptOrder): boolean {
  const record = job.state.nodes.find(({ id }) => id === node.id);
  return cores > 0 || canRunWithoutCores(required(record, `node ${node.id}`).estimate);
}

function stopped(node: PlannedNode): Failure {
  return failure('cancelled', `"${node.id}" was stopped.`);
}

function overdue(node: PlannedNode): Failure {
  const limit = formatDuration(stopGraceMs);
  return failure(
    'cancelled',
    `"${node.id}" was stopped.`,
    `the kind "${node.kind}" had not ended ${limit} after it was told to`,
  );
}

/** The end of a run; `overdue` when it has not come {@link stopGraceMs} after the signal. */
async function endOf(
  running: Promise<Result<NodeOutcome, Failure>>,
  signal: AbortSignal,
  { clock, logger }: AttemptServices,
): Promise<Result<NodeOutcome, Failure> | 'overdue'> {
  const { promise: grace, resolve: giveUp } = Promise.withResolvers<'overdue'>();
  let cancelGrace: (() => void) | undefined;
  const startGrace = (): void => {
    cancelGrace = clock.after(stopGraceMs, () => giveUp('overdue'));
  };
  signal.addEventListener('abort', startGrace, { once: true });
  // The abort may have come while the run was being started.
  if (signal.aborted) startGrace();
  try {
    const end = await Promise.race([running, grace]);
    if (end === 'overdue') logger.error({}, 'an attempt does not end; it is left to itself');
    return end;
  } finally {
    signal.removeEventListener('abort', startGrace);
    cancelGrace?.();
  }
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

/** What the circumstances of an attempt are short of. */
type Circumstance = 'storage' | 'resource';

const circumstances: Readonly<Record<Circumstance, string>> = {
  storage: 'The service could not write to its disk.',
  resource: 'The service ran out of memory or open files.',
};

/** Error codes of a system that has no room or does not work (errno(3)), with what it is short of. */
const circumstanceByErrorCode: ReadonlyMap<unknown, Circumstance> = new Map([
  ['ENOSPC', 'storage'],
  ['EDQUOT', 'storage'],
  ['EIO', 'storage'],
  ['EROFS', 'storage'],
  ['EFBIG', 'storage'],
  ['EMFILE', 'resource'],
  ['ENFILE', 'resource'],
  ['ENOMEM', 'resource'],
  ['EAGAIN', 'resource'],
]);

function circumstanceOf(thrown: unknown): Circumstance | undefined {
  return circumstanceByErrorCode.get(errorCodeOf(thrown));
}
