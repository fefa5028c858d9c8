import type { z } from 'zod';
import type { JsonObject } from '../base/json.ts';
import { parseCondition } from './condition-text.ts';
import type { Condition } from './condition.ts';
import { nameMessage, namePattern, nodeShape } from './definition.ts';
import type { KindCatalog, KindSpec } from './kind-spec.ts';
import type { ResourceOverride } from './plan.ts';
import type { PipelineNode } from './pipeline.ts';
import type { FaultList } from './problem.ts';
import { readFields } from './read-fields.ts';
import type { Fields } from './read-fields.ts';
import type { DeclaredParams } from './read-params.ts';
import { readWith } from './read-with.ts';
import type { CheckedWith } from './read-with.ts';
import type { SourceEntry, SourceMap, SourceScalar } from './source.ts';
import { hintForName } from './suggest.ts';

/** What nodes are checked against. */
export interface NodeContext {
  readonly kinds: KindCatalog;
  readonly params: DeclaredParams;
  readonly faults: FaultList;
}

/** A node that was read, as far as it could be. */
export interface NodeDraft {
  readonly id: string;
  /** Offset of its name. */
  readonly offset: number;
  readonly needs: readonly Need[];
  readonly kind: KindSpec | undefined;
  /** Parameters as a job could have them; undefined when they, or the kind, are wrong. */
  readonly sample: JsonObject | undefined;
  readonly whenOffset: number | undefined;
  /** The node itself; undefined when something in it is wrong. */
  readonly node: PipelineNode | undefined;
}

/** One need with its place. */
export interface Need {
  readonly id: string;
  readonly offset: number;
}

/** Reads one node of a definition, by itself: its needs are not looked up yet. */
export function readNode(id: string, entry: SourceEntry, context: NodeContext): NodeDraft {
  const { faults } = context;
  const faultsBefore = faults.faults.length;
  const offset = entry.keyOffset;
  if (!namePattern.test(id)) {
    faults.add(offset, `\`${id}\` cannot be the name of a node`, `It ${nameMessage}.`);
  }
  if (entry.value.type !== 'map') {
    faults.add(offset, `\`nodes.${id}\` must be a map`, 'Write `uses: kind` below it, indented.');
    const unknown = { kind: undefined, sample: undefined, whenOffset: undefined, node: undefined };
    return { id, offset, needs: [], ...unknown };
  }
  const map = entry.value;
  const fields = readFields({ map, prefix: '', offset }, nodeShape, faults);
  const kind = findKind(fields.uses, map, context);
  const parts = {
    kind,
    checked:
      kind &&
      readWith(mapAt(map, 'with'), {
        kind,
        params: context.params,
        offset: map.entries.get('with')?.keyOffset ?? offset,
        faults,
      }),
    when: readCondition(map, faults),
  };
  const isSound = faults.faults.length === faultsBefore;
  return {
    id,
    offset,
    needs: readNeeds(map),
    kind,
    // Without its needs nothing can be said of where its inputs come from.
    sample: fields.needs === undefined ? undefined : parts.checked?.sample,
    whenOffset: map.entries.get('when')?.keyOffset,
    node: isSound ? assemble(id, fields, parts) : undefined,
  };
}

interface NodeParts {
  readonly kind: KindSpec | undefined;
  readonly checked: CheckedWith | undefined;
  readonly when: Condition | undefined;
}

function assemble(
  id: string,
  fields: Fields<typeof nodeShape>,
  { kind, checked, when }: NodeParts,
): PipelineNode | undefined {
  const { needs, optional, retry, timeout, resources } = fields;
  if (kind === undefined || checked === undefined) return undefined;
  if (needs === undefined || optional === undefined) return undefined;
  if (retry === undefined || timeout === undefined) return undefined;
  return {
    id,
    kind,
    needs,
    with: checked.block,
    ...(when !== undefined && { when }),
    optional,
    retry: { attemptsMax: retry.attempts, backoffMs: retry.backoff },
    timeoutMs: timeout,
    ...(resources !== undefined && { resources: toOverride(resources) }),
  };
}

function toOverride({
  cores,
  memory,
}: NonNullable<z.output<typeof nodeShape.resources>>): ResourceOverride {
  const range = typeof cores === 'number' ? { min: cores, max: cores } : cores;
  return {
    ...(range?.min !== undefined && { coresMin: range.min }),
    ...(range?.max !== undefined && { coresMax: range.max }),
    ...(memory !== undefined && { memoryBytes: memory }),
  };
}

function findKind(
  name: string | undefined,
  map: SourceMap,
  { kinds, faults }: NodeContext,
): KindSpec | undefined {
  if (name === undefined) return undefined;
  const kind = kinds.get(name);
  if (kind === undefined) {
    const offset = map.entries.get('uses')?.value.offset ?? map.offset;
    faults.add(offset, `There is no node kind \`${name}\``, () =>
      hintForName(name, [...kinds.keys()], 'kinds'),
    );
  }
  return kind;
}

/** The needs that are texts; the others were refused by the shape. */
function readNeeds(map: SourceMap): readonly Need[] {
  const list = map.entries.get('needs')?.value;
  if (list?.type !== 'list') return [];
  return list.items.flatMap(({ json, offset }) =>
    typeof json === 'string' ? [{ id: json, offset }] : [],
  );
}

function readCondition(map: SourceMap, faults: FaultList): Condition | undefined {
  const value = map.entries.get('when')?.value;
  if (value?.type !== 'scalar' || typeof value.json !== 'string') return undefined;
  const parsed = parseCondition(value.json);
  if (parsed.ok) return parsed.value;
  addConditionFault(value, parsed.error, faults);
  return undefined;
}

function addConditionFault(
  value: SourceScalar,
  fault: { readonly offset: number; readonly message: string; readonly hint: string },
  faults: FaultList,
): void {
  if (value.textOffset !== undefined) {
    faults.add(value.textOffset + fault.offset, fault.message, fault.hint);
  } else {
    // Escapes or folded lines: places in the file and in the text do not agree.
    const message = `${fault.message} (character ${fault.offset + 1} of the condition)`;
    faults.add(value.offset, message, fault.hint);
  }
}

function mapAt(map: SourceMap, key: string): SourceMap | undefined {
  const value = map.entries.get(key)?.value;
  return value?.type === 'map' ? value : undefined;
}
