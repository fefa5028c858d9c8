import { z } from 'zod';
import type { Json, JsonObject } from '../base/json.ts';
import type { MediaRole } from '../graph/media-role.ts';
import type { KindCatalog, KindSpec } from './kind-spec.ts';

/** JSON Schema (draft 2020-12) of a `with:` block, or of a part of it. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A parameter of a kind, for references and for samples. */
export interface KindParam {
  readonly name: string;
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
}

/** The parameters that a kind takes, in the order of its schema. */
export function paramsOf(kind: KindSpec): readonly KindParam[] {
  const schema = z.toJSONSchema(kind.params, { io: 'input' });
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    isRequired: required.has(name),
    schema: typeof property === 'object' ? property : {},
  }));
}

/**
 * Parameters that the kind takes: the given ones, with a plausible value for each required one that is
 * missing. Undefined when no such value was found, or a given one is refused.
 */
export function sampleParams(kind: KindSpec, given: JsonObject): JsonObject | undefined {
  const filled: Record<string, Json | undefined> = { ...given };
  for (const { name, isRequired, schema } of paramsOf(kind)) {
    if (!isRequired || filled[name] !== undefined) continue;
    const accepts = (value: Json) => !issuePaths(kind, { ...filled, [name]: value }).includes(name);
    filled[name] = sampleValues(schema).find(accepts);
  }
  const parsed = kind.params.safeParse(filled);
  return parsed.success ? parsed.data : undefined;
}

/** Names of the kinds that make artifacts of a role. */
export function kindsGiving(role: MediaRole, kinds: KindCatalog): readonly string[] {
  return [...kinds.values()]
    .filter((kind) => {
      const params = sampleParams(kind, {});
      return params !== undefined && kind.outputs(params).some((output) => output.role === role);
    })
    .map((kind) => kind.name);
}

function issuePaths(kind: KindSpec, params: JsonObject): readonly string[] {
  const parsed = kind.params.safeParse(params);
  return parsed.success ? [] : parsed.error.issues.map((issue) => String(issue.path[0]));
}

/** What a schema names itself, then values that names, counts and sizes of media usually allow. */
function sampleValues({ enum: choices, minimum, maximum }: JsonSchema): readonly Json[] {
  const own = [...(choices ?? []), minimum, maximum].filter((value) => value !== undefined);
  return [...own, 'sample', 'en', 1, 720, true, []];
}
