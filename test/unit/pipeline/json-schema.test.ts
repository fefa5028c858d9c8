import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { pipelineJsonSchema } from '../../../src/pipeline/json-schema.ts';
import { fakeKinds } from '../../fakes/kinds.ts';
import { agreesWithSchema } from '../../support/json-schema-check.ts';
import { definitionText, problemsOf } from './definitions.ts';

const schema = pipelineJsonSchema(fakeKinds);

function agrees(text: string): boolean {
  return agreesWithSchema(parse(text), schema);
}

function withNode(node: string): string {
  return `name: test\nnodes:\n  validate: {uses: validate}\n  a: {needs: [validate], ${node}}\n`;
}

describe('the JSON Schema', () => {
  test('names its draft', () => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  });

  test.each(['standard', 'captions'])('agrees with %s', (name) => {
    expect(agrees(definitionText(name))).toBe(true);
  });

  test.each([
    'uses: thumbnail',
    'uses: transcode, with: {resolution: 720, crf: 20}',
    'uses: transcode, with: {resolution: 720}, when: "!media.audio&&media.width >= 1e3"',
    'uses: thumbnail, resources: {cores: {min: 1}, memory: 1.5 GiB}, timeout: 5m',
    'uses: thumbnail, resources: {cores: 2, memory: 1000}, retry: {attempts: 1, backoff: 2s}',
  ])('agrees with what the parser takes: %s', (node) => {
    expect(problemsOf(withNode(node))).toEqual([]);
    expect(agrees(withNode(node))).toBe(true);
  });

  test('agrees with a reference in the place of any parameter', () => {
    const text = `params: {x: {type: number}}\n${withNode('uses: transcode, with: {resolution: "${{ params.x }}"}')}`;
    expect(problemsOf(text)).toEqual([]);
    expect(agrees(text)).toBe(true);
  });

  test.each([
    'uses: thumbnai',
    'uses: encode',
    'uses: 7',
    'with: {}',
    'timeout: 5m',
    'uses: thumbnail, need: [validate]',
    'uses: transcode',
    'uses: transcode, with: {crf: 20}',
    'uses: transcode, with: {resolution: 720, crf: 99}',
    'uses: transcode, with: {resolution: tall}',
    'uses: transcode, with: {resolution: 720, name: x}',
    'uses: transcode, with: {resolution: 720, preset: "very${{ params.x }}"}',
    'uses: transcode, with: {resolution: 720, crf: ["${{ params.x }}"]}',
    'uses: thumbnail, with:',
    'uses: thumbnail, with: []',
    'uses: thumbnail, with: {resolution: 720}',
    'uses: thumbnail, when: media.foo',
    'uses: thumbnail, when: media.audio || media.video',
    'uses: thumbnail, when: media.video && media.shortside > 3',
    'uses: thumbnail, when: media.video && media.width',
    'uses: thumbnail, when: true',
    'uses: thumbnail, timeout: soon',
    'uses: thumbnail, timeout: 90',
    'uses: thumbnail, optional: "yes"',
    'uses: thumbnail, retry: {attempts: 0}',
    'uses: thumbnail, retry: {attempts: 11}',
    'uses: thumbnail, retry: {attempts: 2.5}',
    'uses: thumbnail, retry: {attempt: 1}',
    'uses: thumbnail, retry: 3',
    'uses: thumbnail, resources: {cores: 0}',
    'uses: thumbnail, resources: {cores: 2000}',
    'uses: thumbnail, resources: {cores: many}',
    'uses: thumbnail, resources: {cores: {mn: 1}}',
    'uses: thumbnail, resources: {memory: 1 GB}',
    'uses: thumbnail, resources: {memory: -5}',
    'uses: thumbnail, resources: {core: 1}',
  ])('refuses what the parser refuses: %s', (node) => {
    expect(problemsOf(withNode(node))).not.toEqual([]);
    expect(agrees(withNode(node))).toBe(false);
  });

  test.each([
    'name: test',
    'name: Test\nnodes: {validate: {uses: validate}}',
    'nodes: {validate: {uses: validate}}',
    'name: test\nnodes: {}',
    '[a, b]',
    'just text',
    'name: 7\nnodes: {validate: {uses: validate}}',
    'name: test\nnodes: [validate]',
    'name: test\nnodes: {validate: validate}',
    'name: test\nnodes: {Validate: {uses: validate}}',
    'name: test\nnodes: {validate: {uses: validate, needs: x}}',
    'name: test\nnodes: {v: {uses: validate}, a: {uses: thumbnail, needs: [v, v]}}',
    'name: test\nnodes: {validate: {uses: validate}}\nsteps: []',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: {x: {type: text}}',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: {X: {type: string}}',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: {x: {default: 3}}',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: {x: {type: string, enum: []}}',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: {x: text}',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: x',
  ])('refuses a definition that the parser refuses: %j', (text) => {
    expect(problemsOf(text)).not.toEqual([]);
    expect(agrees(text)).toBe(false);
  });

  test('refuses more nodes and parameters than the parser takes', () => {
    const parameters = Array.from({ length: 51 }, (_, index) => `  p${index}: {type: string}`);
    const nodes = Array.from({ length: 501 }, (_, index) => `  n${index}: {uses: publish}`);
    for (const text of [
      ['name: test', 'params:', ...parameters, 'nodes: {validate: {uses: validate}}'].join('\n'),
      ['name: test', 'nodes:', ...nodes].join('\n'),
    ]) {
      expect(problemsOf(text)).not.toEqual([]);
      expect(agrees(text)).toBe(false);
    }
  });
});
