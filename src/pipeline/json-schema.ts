import { z } from 'zod';
import {
  definitionShape,
  namePattern,
  nodeShape,
  nodesMax,
  paramNamePattern,
  paramShape,
  paramsMax,
} from './definition.ts';
import { paramsOf } from './kind-params.ts';
import type { JsonSchema } from './kind-params.ts';
import type { KindCatalog, KindSpec } from './kind-spec.ts';

/**
 * The JSON Schema (draft 2020-12) of a pipeline definition with these kinds, for editors. What spans
 * several nodes (needs, roles, cycles) is beyond a schema; `parsePipeline` checks it.
 */
export function pipelineJsonSchema(kinds: KindCatalog): JsonSchema {
  const definition = inputSchema(definitionShape);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'reelgraph pipeline',
    ...definition,
    properties: {
      ...definition.properties,
      params: {
        ...property(definition, 'params'),
        propertyNames: { pattern: paramNamePattern.source },
        maxProperties: paramsMax,
        additionalProperties: inputSchema(paramShape),
      },
      nodes: {
        ...property(definition, 'nodes'),
        propertyNames: { pattern: namePattern.source },
        minProperties: 1,
        maxProperties: nodesMax,
        additionalProperties: { $ref: '#/$defs/node' },
      },
    },
    $defs: { node: nodeSchema(kinds), reference },
  };
}

/** A value that a job parameter replaces. */
const reference: JsonSchema = {
  description: 'Stands for a job parameter.',
  type: 'string',
  pattern: '^\\$\\{\\{\\s*params\\.[A-Za-z0-9_-]+\\s*\\}\\}$',
};

function nodeSchema(kinds: KindCatalog): JsonSchema {
  const node = inputSchema(nodeShape);
  return {
    ...node,
    properties: {
      ...node.properties,
      uses: { ...property(node, 'uses'), enum: [...kinds.keys()] },
      needs: {
        ...property(node, 'needs'),
        items: { type: 'string', pattern: namePattern.source },
        uniqueItems: true,
      },
    },
    allOf: [...kinds.values()].map(kindRule),
  };
}

/** What `with:` may hold, given the kind. */
function kindRule(kind: KindSpec): JsonSchema {
  const params = paramsOf(kind);
  const required = params.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  const block: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(
      params.map(({ name, schema }) => [name, { anyOf: [schema, { $ref: '#/$defs/reference' }] }]),
    ),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
  return {
    if: { type: 'object', properties: { uses: { const: kind.name } }, required: ['uses'] },
    // oxlint-disable-next-line unicorn/no-thenable -- the keyword of JSON Schema
    then: {
      description: kind.summary,
      properties: { with: block },
      ...(required.length > 0 && { required: ['with'] }),
    },
  };
}

function inputSchema(shape: Readonly<Record<string, z.ZodType>>): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(z.strictObject(shape), { io: 'input' });
  return schema;
}

function property(schema: JsonSchema, name: string): JsonSchema {
  const found = schema.properties?.[name];
  return typeof found === 'object' ? found : {};
}
