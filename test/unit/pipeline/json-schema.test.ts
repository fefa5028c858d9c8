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
    'with: {}',
    'uses: thumbnail, need: [validate]',
    'uses: transcode',
    'uses: transcode, with: {crf: 20}',
    'uses: transcode, with: {resolution: 720, crf: 99}',
    'uses: transcode, with: {resolution: tall}',
    'uses: transcode, with: {resolution: 720, name: x}',
    'uses: thumbnail, with: {resolution: 720}',
    'uses: thumbnail, when: media.foo',
    'uses: thumbnail, when: media.audio || media.video',
    'uses: thumbnail, timeout: soon',
    'uses: thumbnail, optional: "yes"',
    'uses: thumbnail, retry: {attempts: 0}',
    'uses: thumbnail, resources: {cores: 0}',
    'uses: thumbnail, resources: {memory: 1 GB}',
  ])('refuses what the parser refuses: %s', (node) => {
    expect(problemsOf(withNode(node))).not.toEqual([]);
    expect(agrees(withNode(node))).toBe(false);
  });

  test.each([
    'name: test',
    'name: Test\nnodes: {validate: {uses: validate}}',
    'nodes: {validate: {uses: validate}}',
    'name: test\nnodes: {}',
    'name: test\nnodes: {Validate: {uses: validate}}',
    'name: test\nnodes: {validate: {uses: validate}}\nsteps: []',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: {x: {type: text}}',
    'name: test\nnodes: {validate: {uses: validate}}\nparams: {X: {type: string}}',
  ])('refuses a definition that the parser refuses: %j', (text) => {
    expect(problemsOf(text)).not.toEqual([]);
    expect(agrees(text)).toBe(false);
  });
});
