import type { Json, JsonObject } from '../base/json.ts';
import { addIssues, explainIssue } from './issue-faults.ts';
import { sampleParams } from './kind-params.ts';
import type { KindSpec } from './kind-spec.ts';
import type { ParamDeclaration, WithBlock, WithValue } from './pipeline.ts';
import { fillWith } from './pipeline.ts';
import type { FaultList } from './problem.ts';
import type { DeclaredParams } from './read-params.ts';
import type { SourceMap, SourceValue } from './source.ts';
import { hintForName } from './suggest.ts';

/** What a `with:` block is checked against. */
export interface WithContext {
  readonly kind: KindSpec;
  readonly params: DeclaredParams;
  /** Where a missing key is reported. */
  readonly offset: number;
  readonly faults: FaultList;
}

/** A `with:` block that was read. */
export interface CheckedWith {
  readonly block: WithBlock;
  /** Parameters as a job could have them, to know the node's outputs; undefined when some are wrong. */
  readonly sample: JsonObject | undefined;
}

/** Reads a `with:` block: its literals by the kind's schema, its references by their declarations. */
export function readWith(map: SourceMap | undefined, context: WithContext): CheckedWith {
  const { kind, faults } = context;
  const faultsBefore = faults.faults.length;
  const block = readBlock(map, context);
  const given = fillWith(block, trialValues(context.params));
  const parsed = kind.params.safeParse(given);
  if (!parsed.success) {
    // A reference is judged by the values its parameter may have, below.
    const issues = parsed.error.issues.filter(({ path }) => !isReference(block, path[0]));
    addIssues(faults, issues, {
      schema: kind.params,
      value: map,
      name: 'with',
      offset: context.offset,
    });
  }
  for (const [key, value] of block) {
    if ('param' in value) checkReference({ key, given, param: value.param, map }, context);
  }
  if (faults.faults.length > faultsBefore) return { block, sample: undefined };
  const sample = parsed.success ? parsed.data : sampleParams(kind, given);
  if (sample === undefined) {
    const message = `What \`${kind.name}\` would make is not known before a job gives its parameters`;
    faults.add(context.offset, message, 'Give the parameters a `default` or an `enum`.');
  }
  return { block, sample };
}

const referencePattern = /^\$\{\{\s*params\.([A-Za-z0-9_-]+)\s*\}\}$/;

function isReference(block: WithBlock, key: PropertyKey | undefined): boolean {
  const value = typeof key === 'string' ? block.get(key) : undefined;
  return value !== undefined && 'param' in value;
}

function readBlock(map: SourceMap | undefined, context: WithContext): WithBlock {
  const block = new Map<string, WithValue>();
  for (const [key, { value }] of map?.entries ?? []) {
    block.set(key, readValue(key, value, context));
  }
  return block;
}

function readValue(key: string, value: SourceValue, context: WithContext): WithValue {
  const { faults, params } = context;
  const { json } = value;
  const param = typeof json === 'string' ? referencePattern.exec(json)?.[1] : undefined;
  if (param === undefined && JSON.stringify(json).includes('${{')) {
    const message = `\`with.${key}\` is not exactly one reference to a parameter`;
    faults.add(value.offset, message, 'Write `${{ params.name }}` and nothing else.');
    // Meant as a reference, so it is not judged as the text that it is. No parameter has this name.
    return { param: '' };
  }
  if (param === undefined) return { value: json };
  if (!params.has(param)) {
    const hint = () =>
      params.size === 0
        ? 'Declare it under `params:`.'
        : hintForName(param, [...params.keys()], 'parameters');
    faults.add(value.offset, `The pipeline declares no parameter \`${param}\``, hint);
  }
  return { param };
}

/** What a job without parameters has: the defaults. */
function trialValues(params: DeclaredParams): ReadonlyMap<string, Json> {
  const values = new Map<string, Json>();
  for (const [name, declaration] of params) {
    const value = declaration?.default ?? declaration?.enum?.[0];
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

interface Reference {
  readonly key: string;
  readonly param: string;
  readonly given: JsonObject;
  readonly map: SourceMap | undefined;
}

/** Refuses a reference whose parameter may have a value that the kind does not take. */
function checkReference(reference: Reference, { kind, params, faults, offset }: WithContext): void {
  const { key, param, given, map } = reference;
  const declaration = params.get(param);
  if (declaration === undefined) return;
  const { values, isTypeOnly } = possibleValues(declaration);
  for (const value of values) {
    const parsed = kind.params.safeParse({ ...given, [key]: value });
    const issue = parsed.error?.issues.find(
      ({ path, code }) => path[0] === key && (!isTypeOnly || code === 'invalid_type'),
    );
    if (issue === undefined) continue;
    const { message, hint } = explainIssue(issue, `with.${key}`, value);
    const place = map?.entries.get(key)?.value.offset ?? offset;
    faults.add(place, `${message} (from parameter \`${param}\`)`, hint);
    return;
  }
}

/** All values of a parameter that are known, else one that only shows its type. */
function possibleValues({ type, default: fallback, enum: choices }: ParamDeclaration): {
  values: readonly Json[];
  isTypeOnly: boolean;
} {
  const known = choices ?? (fallback === undefined ? [] : [fallback]);
  if (known.length > 0) return { values: known, isTypeOnly: false };
  return { values: [{ string: '', number: 0, boolean: true }[type]], isTypeOnly: true };
}
