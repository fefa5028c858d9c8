import type { z } from 'zod';

type Schema = z.core.JSONSchema.JSONSchema;

/**
 * Whether a value agrees with a JSON Schema, for the keywords that our schemas use (draft 2020-12). A
 * keyword that is not known here is an error, so that no test passes because something was not looked at.
 */
export function agreesWithSchema(value: unknown, schema: Schema, root: Schema = schema): boolean {
  const unknown = Object.keys(schema).filter((keyword) => !known.has(keyword));
  if (unknown.length > 0) throw new Error(`Not known as keywords: ${unknown.join(', ')}.`);
  return (
    agreesAsAny(value, schema, root) &&
    agreesAsScalar(value, schema) &&
    (!Array.isArray(value) || agreesAsList(value, schema, root)) &&
    (!isMap(value) || agreesAsMap(value, schema, root))
  );
}

const known = new Set(
  (
    '$schema $defs $ref title description default type const enum anyOf allOf if then ' +
    'pattern minLength maxLength minimum maximum multipleOf minItems maxItems uniqueItems items ' +
    'required properties additionalProperties propertyNames minProperties maxProperties'
  ).split(' '),
);

function agreesWithPart(value: unknown, part: Schema | boolean, root: Schema): boolean {
  return typeof part === 'boolean' ? part : agreesWithSchema(value, part, root);
}

function agreesAsAny(value: unknown, schema: Schema, root: Schema): boolean {
  const { $ref, type, enum: choices, anyOf, allOf = [], if: when, then } = schema;
  const agrees = (part: Schema | boolean) => agreesWithPart(value, part, root);
  return (
    ($ref === undefined || agrees(root.$defs?.[$ref.replace('#/$defs/', '')] ?? false)) &&
    (type === undefined || typeMatches(value, type)) &&
    (!('const' in schema) || schema.const === value) &&
    (choices === undefined || choices.some((choice) => choice === value)) &&
    (anyOf === undefined || anyOf.some(agrees)) &&
    allOf.every(agrees) &&
    (when === undefined || then === undefined || !agrees(when) || agrees(then))
  );
}

function typeMatches(value: unknown, type: Schema['type']): boolean {
  if (Array.isArray(type)) return type.some((one) => typeMatches(value, one));
  switch (type) {
    case 'object':
      return isMap(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}

function agreesAsScalar(value: unknown, schema: Schema): boolean {
  if (typeof value === 'string') {
    const { pattern, minLength = 0, maxLength = Infinity } = schema;
    const matches = pattern === undefined || new RegExp(pattern, 'u').test(value);
    return matches && value.length >= minLength && value.length <= maxLength;
  }
  if (typeof value !== 'number') return true;
  const { minimum = -Infinity, maximum = Infinity, multipleOf } = schema;
  const divides = multipleOf === undefined || value % multipleOf === 0;
  return divides && value >= minimum && value <= maximum;
}

function agreesAsList(value: readonly unknown[], schema: Schema, root: Schema): boolean {
  const { minItems = 0, maxItems = Infinity, uniqueItems, items = true } = schema;
  if (Array.isArray(items)) throw new Error('A list of items is not known here.');
  return (
    value.length >= minItems &&
    value.length <= maxItems &&
    (uniqueItems !== true || new Set(value).size === value.length) &&
    value.every((item) => agreesWithPart(item, items, root))
  );
}

function agreesAsMap(value: Record<string, unknown>, schema: Schema, root: Schema): boolean {
  const { required = [], properties = {}, additionalProperties = true } = schema;
  const { propertyNames = true, minProperties = 0, maxProperties = Infinity } = schema;
  const keys = Object.keys(value);
  return (
    required.every((key) => Object.hasOwn(value, key)) &&
    keys.length >= minProperties &&
    keys.length <= maxProperties &&
    keys.every((key) => agreesWithPart(key, propertyNames, root)) &&
    keys.every((key) => {
      const part = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
      return agreesWithPart(value[key], part ?? true, root);
    })
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
