import { describe, expect, test } from 'vitest';
import { mebibyte } from '../../../src/base/units.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { createPlan } from '../../../src/pipeline/create-plan.ts';
import { pipelineOf, planOf } from './definitions.ts';

const withParams = `
name: test
params:
  height: {type: number, enum: [360, 720]}
  quality: {type: number, default: 30}
  language: {type: string}
  name: {type: string, default: film}
nodes:
  validate: {uses: validate}
  audio: {uses: extract-audio, needs: [validate]}
  speech:
    uses: recognize-speech
    needs: [audio]
    with: {language: "\${{ params.language }}"}
  video:
    uses: transcode
    needs: [validate]
    with: {resolution: "\${{ params.height }}", crf: "\${{ params.quality }}"}
  film: {uses: merge, needs: [video, speech], with: {name: "\${{ params.name }}"}}
  copy: {uses: merge, needs: [video], with: {name: copy}}
`;

function paramsOf(params: JsonObject): Record<string, JsonObject> {
  return Object.fromEntries(planOf(withParams, params).nodes.map((node) => [node.id, node.params]));
}

function refusal(params: JsonObject): string {
  const plan = createPlan(pipelineOf(withParams), params);
  if (plan.ok) throw new Error('the plan should have been refused');
  expect(plan.error.code).toBe('invalid_request');
  return plan.error.message;
}

describe('a plan', () => {
  test('holds the nodes with everything that is settled', () => {
    const plan = planOf(
      'name: test\nnodes: {validate: {uses: validate, optional: true, timeout: 10m}}',
    );
    expect(plan).toEqual({
      pipeline: 'test',
      nodes: [
        {
          id: 'validate',
          kind: 'validate',
          kindVersion: 1,
          needs: [],
          params: {},
          inputs: [],
          optional: true,
          retry: { attemptsMax: 3, backoffMs: 1000 },
          timeoutMs: 600_000,
          estimate: {
            coreSeconds: 1,
            demand: {
              coresMin: 1,
              coresMax: 1,
              memoryBytes: 100 * mebibyte,
              ioSlots: 0,
              gpus: 0,
            },
          },
        },
      ],
    });
  });

  test('survives JSON', () => {
    const plan = planOf(withParams, { height: 720 });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test('puts the job’s parameters in the place of references', () => {
    expect(paramsOf({ height: 360, language: 'de', quality: 20 })).toMatchObject({
      video: { resolution: 360, crf: 20, preset: 'veryfast' },
      speech: { language: 'de' },
    });
  });

  test('fills in defaults and leaves out what has no value', () => {
    const params = paramsOf({ height: 720 });
    expect(params['video']).toEqual({ resolution: 720, crf: 30, preset: 'veryfast' });
    expect(params['speech']).toEqual({});
    expect(params['film']).toEqual({ name: 'film' });
  });

  test('applies the demand that the pipeline gives, and keeps it for later', () => {
    const plan = planOf(`
name: test
nodes:
  validate: {uses: validate}
  a: {uses: thumbnail, needs: [validate], resources: {cores: {min: 2}, memory: 1 GiB}}
`);
    expect(plan.nodes[1]?.estimate.demand).toMatchObject({
      coresMin: 2,
      coresMax: 2,
      memoryBytes: 1024 * mebibyte,
    });
    expect(plan.nodes[1]?.resources).toEqual({ coresMin: 2, memoryBytes: 1024 * mebibyte });
  });
});

describe('a plan is refused', () => {
  test('for a parameter that is missing', () => {
    expect(refusal({})).toBe(
      'The pipeline "test" cannot run like this: The parameter "height" is missing: the node "video" needs it.',
    );
  });

  test('for all parameters that are unknown or of the wrong type', () => {
    expect(refusal({ hieght: 3, height: '720', quality: null, language: ['en'], name: true })).toBe(
      'The pipeline "test" cannot run like this: There is no parameter "hieght". Did you mean "height"? The parameter "height" must be a number, not a text. The parameter "quality" must be a number, not nothing. The parameter "language" must be a text, not a list. The parameter "name" must be a text, not true or false.',
    );
  });

  test('for a value that is not one of those allowed', () => {
    expect(refusal({ height: 480 })).toBe(
      'The pipeline "test" cannot run like this: The parameter "height" must be one of "360", "720".',
    );
  });

  test('for a value that a node does not take', () => {
    expect(refusal({ height: 720, quality: 52, language: 'english' })).toBe(
      'The pipeline "test" cannot run like this: "language" must be an ISO 639-1 code such as "en" (node "speech"). "quality" must be at most 51 (node "video").',
    );
  });

  test('for a number that is none', () => {
    expect(refusal({ height: 720, quality: Number.NaN })).toContain('"quality" must be a number');
  });

  test('for products that get one name by it', () => {
    expect(refusal({ height: 720, name: 'copy' })).toBe(
      'The pipeline "test" cannot run like this: "copy" and "film" both make the product "copy.mp4".',
    );
  });

  test('with ten reasons at most', () => {
    const params = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`unknown${index}`, 1]),
    );
    expect(refusal(params).match(/There is no parameter/g)).toHaveLength(10);
  });

  test('for names that every object has', () => {
    expect(refusal({ height: 720, constructor: 'x' })).toContain(
      'There is no parameter "constructor"',
    );
  });
});
