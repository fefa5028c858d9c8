import type { NodeOutcome } from '../nodes/node-kind.ts';
import type { NewResult } from '../storage/result-cache.ts';
import type { Workspace } from '../storage/workspace.ts';
import type { NodeResult } from '../store/result-index.ts';
import type { AttemptOrder, AttemptResult, AttemptServices } from './attempt.ts';
import { promoteOutputs } from './promote-outputs.ts';

/**
 * Does with what an earlier run of the same work made, if it is kept: its files become this attempt's
 * as if it had made them. Undefined when there is nothing, it is damaged, or it can't be had this time;
 * then the directory of the attempt is empty again.
 */
export async function reuseResult(
  order: AttemptOrder,
  { results, workspace }: AttemptServices,
): Promise<AttemptResult | undefined> {
  const { key, job, resultKey } = order;
  if (results === undefined || resultKey === undefined) return undefined;
  const result = await results.take(resultKey, {
    directory: await order.directory,
    uploadPath: workspace.absolute(job.upload.path),
  });
  if (result === undefined) return undefined;
  const reused = await promoteResult(order, workspace, result);
  if (reused !== undefined) return reused;
  await results.drop(resultKey);
  await workspace.removeAttempt(key);
  await workspace.createAttempt(key);
  return undefined;
}

/**
 * Undefined when a file is none of the kind's outputs, or not the one that was kept. The digest of the
 * upload is known.
 */
async function promoteResult(
  order: AttemptOrder,
  workspace: Workspace,
  { files, media, warnings }: NodeResult,
): Promise<AttemptResult | undefined> {
  const outputs = order.kind.outputs(order.node.params);
  if (files.some(({ name }) => !outputs.some((output) => output.name === name))) return undefined;
  const outcome: NodeOutcome = {
    files: files.map(({ name, sha256, isUpload }) => (isUpload ? { name, sha256 } : { name })),
    ...(media !== undefined && { media }),
    ...(warnings !== undefined && { warnings }),
  };
  const artifacts = await promoteOutputs(order, workspace, outcome);
  const isSame = files.every(({ name, sha256 }) =>
    artifacts.some((artifact) => artifact.name === name && artifact.sha256 === sha256),
  );
  return isSame ? { outcome, artifacts, isReused: true } : undefined;
}

/** An attempt whose result has a name. */
type KeptOrder = Pick<AttemptOrder, 'job' | 'kind'> & { readonly resultKey: string };

/** What is worth keeping of a node's run, for nodes with the same work. */
export function toNewResult(
  { resultKey: key, job, kind }: KeptOrder,
  { outcome, artifacts }: AttemptResult,
  workspace: Workspace,
): NewResult {
  const { media, warnings } = outcome;
  // Whoever finds a result of such a kind by its key has the same upload.
  const readsUpload = kind.inputs.length === 0;
  return {
    key,
    result: {
      files: artifacts.map(({ name, bytes, sha256 }) => ({
        name,
        bytes,
        sha256,
        ...(readsUpload && sha256 === job.upload.sha256 && { isUpload: true as const }),
      })),
      ...(media !== undefined && { media }),
      ...(warnings !== undefined && { warnings }),
    },
    paths: new Map(artifacts.map(({ name, path }) => [name, workspace.absolute(path)])),
  };
}
