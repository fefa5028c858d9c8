import type { Json, JsonObject } from '../base/json.ts';
import type { PlannedInput, PlannedNode } from './plan.ts';

/**
 * Whether two planned nodes do the same work, so that what the one made is what the other would make,
 * provided that their inputs are the same files: kind and version, parameters, inputs and condition.
 * How often it is tried, how long it may take and what it costs make no other result.
 */
export function isSameWork(one: PlannedNode, other: PlannedNode): boolean {
  return (
    one.kind === other.kind &&
    versionOf(one) === versionOf(other) &&
    canonicalText(one.params) === canonicalText(other.params) &&
    canonicalText(one.inputs.map(toJson)) === canonicalText(other.inputs.map(toJson)) &&
    canonicalText(conditionOf(one)) === canonicalText(conditionOf(other))
  );
}

/** Every kind was at its first version when plans did not say which one it was. */
function versionOf({ kindVersion = 1 }: PlannedNode): number {
  return kindVersion;
}

function toJson({ role, take, from }: PlannedInput): Json {
  return { role, take, from };
}

function conditionOf({ when = [] }: PlannedNode): Json {
  return when.map((term): Json => ({ ...term }));
}

/** JSON with the keys of objects in order: a stored plan may have them in another one. */
function canonicalText(value: Json): string {
  return JSON.stringify(value, (_key, item: Json) => (isObject(item) ? sorted(item) : item));
}

function isObject(item: Json | undefined): item is JsonObject {
  return typeof item === 'object' && item !== null && !Array.isArray(item);
}

function sorted(item: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
