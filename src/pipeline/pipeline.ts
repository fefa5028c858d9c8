import type { Json, JsonObject } from '../base/json.ts';
import type { Condition } from './condition.ts';
import type { KindSpec } from './kind-spec.ts';
import type { ResourceOverride, RetryPolicy } from './plan.ts';

/** A definition, parsed and sound. `createPlan` applies it to a job's parameters. Immutable. */
export interface Pipeline {
  readonly name: string;
  readonly description?: string;
  /** In the order of the file. */
  readonly params: readonly ParamDeclaration[];
  /** In the order of the file. */
  readonly nodes: readonly PipelineNode[];
}

/** A value of a job parameter. */
export type ParamValue = string | number | boolean;

/** A parameter that a job may give. */
export interface ParamDeclaration {
  readonly name: string;
  readonly type: 'string' | 'number' | 'boolean';
  readonly description?: string;
  /** Of the declared type, and one of `enum`. */
  readonly default?: ParamValue;
  /** The only values allowed; not empty. */
  readonly enum?: readonly ParamValue[];
}

/** A node of a {@link Pipeline}: what it is, before a job's parameters are known. */
export interface PipelineNode {
  readonly id: string;
  readonly kind: KindSpec;
  readonly needs: readonly string[];
  readonly with: WithBlock;
  readonly when?: Condition;
  readonly optional: boolean;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly resources?: ResourceOverride;
}

/** A node's `with:`, key → value; the values themselves are checked by the kind. */
export type WithBlock = ReadonlyMap<string, WithValue>;

/** A value as it stands, or the name of the job parameter that takes its place. */
export type WithValue = { readonly value: Json } | { readonly param: string };

/** A `with:` block with the references replaced; a key whose parameter has no value is left out. */
export function fillWith(block: WithBlock, params: ReadonlyMap<string, Json>): JsonObject {
  const filled: [string, Json][] = [];
  for (const [key, item] of block) {
    const value = 'param' in item ? params.get(item.param) : item.value;
    if (value !== undefined) filled.push([key, value]);
  }
  return Object.fromEntries(filled);
}
