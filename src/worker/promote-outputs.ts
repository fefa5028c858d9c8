import { assert, required } from '../base/assert.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { NodeOutcome } from '../nodes/node-kind.ts';
import type { Workspace } from '../storage/workspace.ts';
import type { AttemptOrder } from './attempt.ts';

/** Keeps the files of an outcome and describes them, in the order of the kind's outputs. */
export async function promoteOutputs(
  order: Pick<AttemptOrder, 'key' | 'kind' | 'node'>,
  workspace: Workspace,
  { files }: NodeOutcome,
): Promise<readonly Artifact[]> {
  const outputs = order.kind.outputs(order.node.params);
  for (const { name } of files) {
    const isKnown = outputs.some((output) => output.name === name);
    assert(isKnown, `${order.node.kind} made "${name}", which is none of its outputs`);
  }
  const made = outputs.flatMap((output) => {
    const file = files.find(({ name }) => name === output.name);
    return file === undefined ? [] : [{ output, file }];
  });
  const promoted = await workspace.promote(
    order.key,
    made.map(({ file }) => file),
  );
  return made.map(({ output }, index) => {
    const { path, bytes, sha256 } = required(promoted[index], output.name);
    return { ...output, path, bytes, sha256 };
  });
}
