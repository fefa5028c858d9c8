import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { z } from 'zod';
import { createKindSpecs } from '../../src/load-pipelines.ts';
import { flagFacts, numberFacts } from '../../src/pipeline/condition-text.ts';
import { definitionShape, nodeShape, paramShape } from '../../src/pipeline/definition.ts';
import { pipelineJsonSchema } from '../../src/pipeline/json-schema.ts';
import { paramsOf, sampleParams } from '../../src/pipeline/kind-params.ts';
import type { JsonSchema, KindParam } from '../../src/pipeline/kind-params.ts';
import type { InputSpec, KindSpec, OutputSpec } from '../../src/pipeline/kind-spec.ts';
import { fillDocument, renderTable } from './generated-parts.ts';
import { root } from './source-files.ts';

/**
 * Writes what follows from the code in `pipelines/`: the JSON Schema, and parts of the reference. A
 * test compares; this writes:
 *
 *     node test/tidy/write-pipelines.ts
 */
export const schemaPath = join(root, 'pipelines', 'pipeline.schema.json');

/** The reference's path. */
export const referencePath = join(root, 'pipelines', 'README.md');

/** The text of the JSON Schema file. */
export function renderSchema(): Promise<string> {
  return format(JSON.stringify(pipelineJsonSchema(createKindSpecs())), {
    parser: 'json',
    printWidth: 100,
  });
}

/** The reference with its generated parts as the code has them. */
export function renderReference(text: string): Promise<string> {
  const kinds = [...createKindSpecs().values()];
  return fillDocument(referencePath, text, [
    { mark: 'definition', part: renderKeys(definitionShape) },
    { mark: 'parameter', part: renderKeys(paramShape) },
    { mark: 'node', part: renderKeys(nodeShape) },
    { mark: 'facts', part: renderFacts() },
    { mark: 'kinds', part: renderKinds(kinds) },
    { mark: 'kind parameters', part: renderKindParams(kinds) },
  ]);
}

function renderKeys(shape: Readonly<Record<string, z.ZodType>>): string {
  const { properties = {}, required = [] } = z.toJSONSchema(z.strictObject(shape), { io: 'input' });
  const rows = Object.entries(properties).map(([key, part]) => {
    const schema = typeof part === 'object' ? part : {};
    const fallback = required.includes(key) ? 'required' : defaultOf(schema);
    return [code(key), fallback, schema.description ?? ''];
  });
  return renderTable(['key', 'default', 'what it is'], rows);
}

function renderFacts(): string {
  const rows = [
    ...Object.entries(flagFacts).map(([fact, what]) => [code(`media.${fact}`), 'yes or no', what]),
    ...Object.entries(numberFacts).map(([fact, what]) => [code(`media.${fact}`), 'number', what]),
  ];
  return renderTable(['fact', 'type', 'what it is'], rows);
}

/** Parameters that the file names in the table are made with. */
const shownParams = { resolution: 720, name: '720p' };

function renderKinds(kinds: readonly KindSpec[]): string {
  const rows = kinds.map((kind) => {
    const names = new Set(paramsOf(kind).map(({ name }) => name));
    const given = Object.entries(shownParams).filter(([name]) => names.has(name));
    const outputs = kind.outputs(sampleParams(kind, Object.fromEntries(given)) ?? {});
    return [code(kind.name), kind.summary, renderInputs(kind.inputs), renderOutputs(outputs)];
  });
  return renderTable(['kind', 'what it does', 'takes', 'makes'], rows);
}

function renderInputs(inputs: readonly InputSpec[]): string {
  const words = { one: '', optional: ' if there', every: ' (all)' };
  return inputs.map(({ role, take }) => `${role}${words[take]}`).join(', ') || 'the upload';
}

function renderOutputs(outputs: readonly OutputSpec[]): string {
  return outputs
    .map(({ name, role, product }) => `${code(name)} (${role}${product ? ', product' : ''})`)
    .join(', ');
}

function renderKindParams(kinds: readonly KindSpec[]): string {
  const rows = kinds.flatMap((kind) => paramsOf(kind).map((param) => paramRow(kind, param)));
  return renderTable(['kind', 'parameter', 'value', 'default', 'what it is'], rows);
}

function paramRow(kind: KindSpec, { name, schema, isRequired }: KindParam): readonly string[] {
  const fallback = isRequired ? 'required' : defaultOf(schema);
  return [code(kind.name), code(name), valueOf(schema), fallback, schema.description ?? ''];
}

function valueOf({ type, enum: choices }: JsonSchema): string {
  if (choices !== undefined) return choices.map((choice) => code(String(choice))).join(', ');
  const words = { string: 'text', integer: 'whole number', number: 'number', boolean: 'yes or no' };
  return Object.entries(words).find(([name]) => name === type)?.[1] ?? String(type);
}

/** A list or map is empty by default, which needs no words. */
function defaultOf({ default: value }: JsonSchema): string {
  const isScalar = ['string', 'number', 'boolean'].includes(typeof value);
  return isScalar ? code(JSON.stringify(value).replaceAll('"', '')) : '';
}

function code(text: string): string {
  return `\`${text}\``;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(schemaPath, await renderSchema());
  writeFileSync(referencePath, await renderReference(readFileSync(referencePath, 'utf8')));
}
