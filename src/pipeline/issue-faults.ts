import { z } from 'zod';
import type { Json } from '../base/json.ts';
import { nearestName } from '../base/nearest-name.ts';
import type { FaultList } from './problem.ts';
import { offsetAt, valueAt } from './source.ts';
import type { SourceValue } from './source.ts';
import { hintForName, listNames } from './suggest.ts';

/** Where a value that a schema refused stands. */
export interface RefusedValue {
  readonly schema: z.ZodType;
  /** Undefined when the value is not in the text at all. */
  readonly value: SourceValue | undefined;
  /** The name of the value, as in `retry` or `with`. */
  readonly name: string;
  /** Offset of its key. */
  readonly offset: number;
}

/** A fault without its place. */
export interface Explanation {
  readonly message: string;
  readonly hint: string;
}

/** Turns what zod says about a value into faults in the words of a definition's author. */
export function addIssues(
  faults: FaultList,
  issues: readonly z.core.$ZodIssue[],
  refused: RefusedValue,
): void {
  for (const issue of issues) {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) addUnknownKey(faults, [...path, key], refused);
    } else {
      const name = nameOf(refused.name, path);
      const { message, hint } = explainIssue(issue, name, received(refused, path));
      faults.add(placeOf(refused, path), message, hint);
    }
  }
}

/** What a value is called in a message about its type. */
export function typeName(value: Json | undefined): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return (
    { string: 'a text', number: 'a number', boolean: 'true or false' }[typeof value as string] ??
    'a map'
  );
}

type Path = readonly (string | number)[];

function placeOf(refused: RefusedValue, path: Path): number {
  if (refused.value === undefined || path.length === 0) return refused.offset;
  return valueAt(refused.value, path.slice(0, 1)) === undefined
    ? refused.offset
    : offsetAt(refused.value, path);
}

function received(refused: RefusedValue, path: Path): Json | undefined {
  return refused.value && valueAt(refused.value, path)?.json;
}

/** `retry` and `['attempts']` → `retry.attempts`; `needs` and `[1]` → `needs[1]`. */
function nameOf(root: string, path: Path): string {
  return path.reduce<string>(
    (name, step) => (typeof step === 'number' ? `${name}[${step}]` : `${name}.${step}`),
    root,
  );
}

function addUnknownKey(faults: FaultList, path: Path, refused: RefusedValue): void {
  const message = `\`${nameOf(refused.name, path)}\` is not known`;
  faults.add(placeOf(refused, path), message, () => {
    const known = keysAt(z.toJSONSchema(refused.schema, { io: 'input' }), path.slice(0, -1));
    return hintForName(String(path.at(-1)), known, 'keys');
  });
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The keys that a schema knows at a path, through all branches of unions. */
function keysAt(schema: JsonSchema, path: Path): readonly string[] {
  let schemas = branches(schema);
  for (const step of path) {
    schemas = schemas
      .map((branch) => branch.properties?.[String(step)])
      .filter((next) => typeof next === 'object')
      .flatMap(branches);
  }
  return schemas.flatMap((branch) => Object.keys(branch.properties ?? {}));
}

function branches(schema: JsonSchema): readonly JsonSchema[] {
  const inner = (schema.anyOf ?? []).filter((branch) => typeof branch === 'object');
  return [schema, ...inner];
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

const examples: Readonly<Record<string, string>> = {
  array: 'Write a list, e.g. `[a, b]`.',
  boolean: 'Write `true` or `false`, without quotes.',
  number: 'Write a number, without quotes.',
  int: 'Write a whole number, without quotes.',
  string: 'Put quotes around it to make it a text.',
  object: 'Write `key: value` lines below it, indented.',
  record: 'Write `key: value` lines below it, indented.',
};

/** What one issue says about a value of that name; for all issues but unknown keys. */
export function explainIssue(
  issue: z.core.$ZodIssue,
  name: string,
  value: Json | undefined,
): Explanation {
  if (isOwnMessage(issue.message)) {
    return { message: `\`${name}\` ${issue.message}`, hint: 'Change the value.' };
  }
  switch (issue.code) {
    case 'invalid_type':
      return explainType(issue.expected, name, value);
    case 'invalid_value':
      return explainChoice(issue.values, name, value);
    case 'invalid_union':
      return explainUnion(issue.errors, name, value);
    case 'too_small':
      return {
        message: `\`${name}\` must ${bound(issue.origin, 'at least', issue.minimum)}`,
        hint: issue.inclusive === false ? 'That number itself is too small.' : 'Raise it.',
      };
    case 'too_big':
      return {
        message: `\`${name}\` must ${bound(issue.origin, 'at most', issue.maximum)}`,
        hint: issue.inclusive === false ? 'That number itself is too large.' : 'Lower it.',
      };
    case 'not_multiple_of':
      return { message: `\`${name}\` must be a multiple of ${issue.divisor}`, hint: 'Round it.' };
    case 'invalid_format':
      return {
        message: `\`${name}\` does not have the right form`,
        hint: issue.pattern === undefined ? `${issue.message}.` : `It must match ${issue.pattern}.`,
      };
    default:
      return { message: `\`${name}\` is refused: ${issue.message}`, hint: 'Change the value.' };
  }
}

/** A schema's own message continues the name: `must be …`; zod's begin with a capital letter. */
function isOwnMessage(message: string): boolean {
  return /^[a-z]/.test(message);
}

function explainType(expected: string, name: string, value: Json | undefined): Explanation {
  const wanted = typeWords[expected] ?? expected;
  if (value === undefined) {
    return { message: `\`${name}\` is missing`, hint: `Add it: ${wanted}.` };
  }
  if (value === null) {
    const message = `\`${name}\` must be ${wanted}, but is empty`;
    return { message, hint: 'Give it a value, or remove the key.' };
  }
  const message = `\`${name}\` must be ${wanted}, not ${typeName(value)}`;
  if (expected === 'int' && typeof value === 'number') {
    return { message: `\`${name}\` must be a whole number, not ${value}`, hint: 'Round it.' };
  }
  return { message, hint: examples[expected] ?? 'Change the value.' };
}

function explainChoice(
  values: readonly unknown[],
  name: string,
  value: Json | undefined,
): Explanation {
  const choices = values.map(String);
  const hint = `Choose one of ${listNames(choices)}.`;
  if (value === undefined) return { message: `\`${name}\` is missing`, hint };
  const given = typeof value === 'object' ? typeName(value) : `\`${value}\``;
  const nearest = typeof value === 'string' ? nearestName(value, choices) : undefined;
  return {
    message: `\`${name}\` cannot be ${given}`,
    hint: nearest === undefined ? hint : `Did you mean \`${nearest}\`? ${hint}`,
  };
}

/** The branch that agrees about the type says what is wrong; without one, every type is named. */
function explainUnion(
  errors: readonly (readonly z.core.$ZodIssue[])[],
  name: string,
  value: Json | undefined,
): Explanation {
  const firsts = errors.map((issues) => issues[0]).filter((issue) => issue !== undefined);
  const near = firsts.find((issue) => issue.code !== 'invalid_type' || issue.path.length > 0);
  if (near !== undefined) return explainIssue(near, nameOf(name, near.path.map(String)), value);
  if (value === undefined) return explainType('one of several types', name, value);
  const types = firsts.flatMap((issue) => (issue.code === 'invalid_type' ? [issue.expected] : []));
  const wanted = types.map((type) => typeWords[type] ?? type).join(' or ');
  return {
    message: `\`${name}\` must be ${wanted}, not ${typeName(value)}`,
    hint: 'Change the value.',
  };
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  const plural = Number(limit) === 1 ? '' : 's';
  if (origin === 'string') return `have ${relation} ${limit} character${plural}`;
  if (origin === 'array') return `have ${relation} ${limit} item${plural}`;
  return `be ${relation} ${limit}`;
}
