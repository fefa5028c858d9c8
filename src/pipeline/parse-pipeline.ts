import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { findCycle } from '../graph/topological-order.ts';
import { definitionShape, nodesMax } from './definition.ts';
import type { KindCatalog } from './kind-spec.ts';
import { linkNodes } from './link.ts';
import type { LinkFault } from './link.ts';
import { linkHint, linkMessage } from './link-words.ts';
import type { ParamDeclaration, Pipeline } from './pipeline.ts';
import { createFaultList } from './problem.ts';
import type { Fault, FaultList, PipelineProblem } from './problem.ts';
import { readFields } from './read-fields.ts';
import type { Fields } from './read-fields.ts';
import { readNode } from './read-node.ts';
import type { NodeContext, NodeDraft } from './read-node.ts';
import { readParams } from './read-params.ts';
import type { DeclaredParams } from './read-params.ts';
import { readSource } from './source.ts';
import type { SourceMap, SourceValue } from './source.ts';
import { hintForName } from './suggest.ts';

/** Most problems reported of one file; who has more starts with these. */
export const problemsMax = 100;

/**
 * Reads a pipeline definition (YAML or JSON). Everything that is wrong is found at once: problems come
 * in the order of the text, at most {@link problemsMax}. Never throws.
 *
 * @param fileName goes into the problems as it is.
 */
export function parsePipeline(
  text: string,
  fileName: string,
  kinds: KindCatalog,
): Result<Pipeline, readonly PipelineProblem[]> {
  const source = readSource(text);
  const faults = createFaultList();
  for (const { offset, message, hint } of source.faults) faults.add(offset, message, hint);
  const pipeline = readDefinition(source.root, kinds, faults);
  if (pipeline !== undefined && faults.faults.length === 0) return ok(pipeline);
  const toProblem = ({ offset, message, hint }: Fault): PipelineProblem => {
    const { line, column } = source.position(offset);
    const hintText = typeof hint === 'string' ? hint : hint();
    return { file: fileName, line, column, message, hint: hintText };
  };
  return err(inOrder(faults.faults).map(toProblem));
}

function inOrder(faults: readonly Fault[]): readonly Fault[] {
  return faults.toSorted((left, right) => left.offset - right.offset).slice(0, problemsMax);
}

function readDefinition(
  root: SourceValue | undefined,
  kinds: KindCatalog,
  faults: FaultList,
): Pipeline | undefined {
  if (root?.type !== 'map') {
    // When the text could not be read at all, that is already said.
    if (faults.faults.length === 0) {
      faults.add(root?.offset ?? 0, 'This is not a pipeline', 'Start with `name:` and `nodes:`.');
    }
    return undefined;
  }
  const fields = readFields(
    { map: root, prefix: '', offset: root.offset },
    definitionShape,
    faults,
  );
  const params = readSection(root, 'params', (map, offset) => readParams(map, offset, faults));
  const context: NodeContext = { kinds, faults, params: params ?? new Map() };
  const drafts = readSection(root, 'nodes', (map, offset) => readNodes(map, offset, context)) ?? [];
  checkNeeds(drafts, faults);
  checkLinks(drafts, context);
  return assemble(fields, context.params, drafts);
}

function readSection<Value>(
  root: SourceMap,
  key: string,
  read: (map: SourceMap, offset: number) => Value,
): Value | undefined {
  const entry = root.entries.get(key);
  return entry?.value.type === 'map' ? read(entry.value, entry.keyOffset) : undefined;
}

function assemble(
  { name, description }: Fields<typeof definitionShape>,
  params: DeclaredParams,
  drafts: readonly NodeDraft[],
): Pipeline | undefined {
  if (name === undefined) return undefined;
  return {
    name,
    ...(description !== undefined && { description }),
    params: [...params.values()].filter(
      (declared): declared is ParamDeclaration => declared !== undefined,
    ),
    nodes: drafts.flatMap(({ node }) => (node === undefined ? [] : [node])),
  };
}

function readNodes(map: SourceMap, offset: number, context: NodeContext): readonly NodeDraft[] {
  const { size } = map.entries;
  if (size === 0) {
    context.faults.add(offset, 'The pipeline has no nodes', 'Add one, e.g. `validate`.');
  }
  if (size > nodesMax) {
    const message = `The pipeline has ${size} nodes; at most ${nodesMax} are allowed`;
    context.faults.add(offset, message, 'Split it into several pipelines.');
    return [];
  }
  return [...map.entries].map(([id, entry]) => readNode(id, entry, context));
}

function checkNeeds(drafts: readonly NodeDraft[], faults: FaultList): void {
  const ids = drafts.map(({ id }) => id);
  const known = new Set(ids);
  for (const draft of drafts) {
    const seen = new Set<string>();
    for (const need of draft.needs) {
      if (need.id === draft.id) {
        faults.add(need.offset, `\`${draft.id}\` needs itself`, 'Remove this need.');
      } else if (seen.has(need.id)) {
        faults.add(
          need.offset,
          `\`${draft.id}\` needs \`${need.id}\` twice`,
          'Remove one of them.',
        );
      } else if (!known.has(need.id)) {
        const message = `\`${draft.id}\` needs \`${need.id}\`, which is not a node of this pipeline`;
        faults.add(need.offset, message, () => hintForName(need.id, ids, 'nodes'));
      }
      seen.add(need.id);
    }
  }
}

/** Reports cycles, then how the nodes that lie on none fit together. */
function checkLinks(drafts: readonly NodeDraft[], { kinds, faults }: NodeContext): void {
  const cyclic = reportCycles(drafts, faults);
  const links = linkNodes(
    drafts.map((draft) => ({
      id: draft.id,
      needs: draft.needs.map(({ id }) => id),
      kind: draft.kind,
      outputs: cyclic.has(draft.id) ? undefined : draft.sample && draft.kind?.outputs(draft.sample),
      hasCondition: draft.whenOffset !== undefined,
    })),
  );
  const byId = new Map(drafts.map((draft) => [draft.id, draft]));
  for (const fault of links.faults) {
    const draft = byId.get(fault.nodeId);
    faults.add(placeOf(fault, draft), linkMessage(fault), () => linkHint(fault, kinds));
  }
}

function placeOf(fault: LinkFault, draft: NodeDraft | undefined): number {
  const place = fault.type === 'early-condition' ? draft?.whenOffset : undefined;
  return place ?? draft?.offset ?? 0;
}

/** Reports one cycle after the other, each with its path; gives the nodes on them. */
function reportCycles(drafts: readonly NodeDraft[], faults: FaultList): ReadonlySet<string> {
  const cyclic = new Set<string>();
  let left = drafts.map(({ id, needs }) => ({
    id,
    needs: needs.map((need) => need.id).filter((need) => need !== id),
  }));
  let cycle = findCycle(left);
  while (cycle !== undefined) {
    const [first, second] = cycle;
    const draft = drafts.find(({ id }) => id === first);
    const need = draft?.needs.find(({ id }) => id === second);
    const message = `The needs go in a circle: \`${cycle.join(' → ')}\``;
    faults.add(need?.offset ?? 0, message, 'Remove one of these needs.');
    for (const id of cycle) cyclic.add(id);
    // Each round takes at least two nodes away, so this ends.
    left = left.filter(({ id }) => !cyclic.has(id));
    cycle = findCycle(left);
  }
  return cyclic;
}
