import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createKindSpecs } from '../../src/load-pipelines.ts';
import { parsePipeline } from '../../src/pipeline/parse-pipeline.ts';
import { formatProblem } from '../../src/pipeline/problem.ts';
import { retryRules } from '../../src/scheduler/retry-policy.ts';
import { agreesWithSchema } from '../support/json-schema-check.ts';
import { readFiles, root } from './source-files.ts';
import { referencePath, renderReference, renderSchema, schemaPath } from './write-pipelines.ts';

const kinds = createKindSpecs();
const reference = readFileSync(referencePath, 'utf8');
const schemaText = readFileSync(schemaPath, 'utf8');
const schema: z.core.JSONSchema.JSONSchema = z
  .record(z.string(), z.json())
  .parse(JSON.parse(schemaText));
const definitions = readFiles('pipelines', /\.ya?ml$/).map(({ path, text }) => ({ path, text }));

function problemsOf(text: string, file = 'f'): readonly string[] {
  const parsed = parsePipeline(text, file, kinds);
  return parsed.ok ? [] : parsed.error.map(formatProblem);
}

describe('the published schema', () => {
  test('is that of the code', async () => {
    // On a difference: node test/tidy/write-pipelines.ts
    expect(schemaText).toBe(await renderSchema());
  });

  test.each(definitions)('agrees with $path, which the parser takes', ({ path, text }) => {
    expect(problemsOf(text, path)).toEqual([]);
    expect(agreesWithSchema(parse(text), schema)).toBe(true);
  });

  test.each(definitions)('is named in the first line of $path', ({ text }) => {
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/pipeline\.schema\.json\n/);
  });

  test.each([
    ['uses: validate', 'uses: validat'],
    ['uses: merge', 'use: merge'],
    ['resolution: 720', 'resolution: 721'],
    ['resolution: 720', 'resolution: 10000'],
    ['resolution: 720', 'resolution: tall'],
    ['resolution: 720', 'heigth: 720'],
    ['name: 720p', 'name: Seven Twenty'],
    ['when: media.audio', 'when: media.sound'],
    ['timeout: 10m', 'timeout: 10 minutes'],
    ['attempts: 5', 'attempts: 11'],
    ['optional: true', 'optional: "yes"'],
    ['type: string', 'type: text'],
    ['  thumbnail:\n', '  Thumb_Nail:\n'],
    ['needs: [thumbnail, merge-720p,', 'needs: [merge-720p, merge-720p,'],
    ['language: ${{ params.language }}', 'model: ../${{ params.language }}'],
  ])('refuses what the parser refuses: not %j, but %j', (right, wrong) => {
    const { text = '' } = definitions.find(({ path }) => path.endsWith('/standard.yaml')) ?? {};
    expect(text).toContain(right);
    const broken = text.replace(right, () => wrong);
    expect(problemsOf(broken)).not.toEqual([]);
    expect(agreesWithSchema(parse(broken), schema)).toBe(false);
  });
});

describe('the reference', () => {
  test('lists keys, facts and kinds as they are in the code', async () => {
    // On a difference: node test/tidy/write-pipelines.ts
    expect(reference).toBe(await renderReference(reference));
  });

  test('gives an example that works, and the fault of one that does not', () => {
    const example = /```yaml\n(# yaml-language[^`]*)```/.exec(reference)?.[1] ?? '';
    expect(problemsOf(example)).toEqual([]);
    expect(agreesWithSchema(parse(example), schema)).toBe(true);
    const broken = example.replace('uses: transcode', 'uses: transcod');
    const [problem = ''] = problemsOf(broken, 'pipelines/preview.yaml');
    expect(reference).toContain(`\n  ${problem}\n`);
  });

  test('names every failure that is tried again, and no other', () => {
    const listed = /may do better \(([^)]*)\)/.exec(reference)?.[1] ?? '';
    const named = [...listed.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '');
    // A cancelled attempt is repeated only when the service was stopping, which nobody waits for.
    const retried = Object.entries(retryRules)
      .filter(([code, { retry }]) => retry === 'retry' && code !== 'cancelled')
      .map(([code]) => code);
    expect(named.toSorted()).toEqual(retried.toSorted());
  });

  test('has the examples of its own words in order', () => {
    const blocks = [...reference.matchAll(/```yaml\n(resources:[^`]*)```/g)];
    expect(blocks).toHaveLength(1);
    const resources = (blocks[0]?.[1] ?? '').replaceAll(/^/gm, '    ');
    const text = readFileSync(join(root, 'pipelines', 'standard.yaml'), 'utf8');
    expect(
      problemsOf(text.replace('    timeout: 10m\n', () => `    timeout: 10m\n${resources}\n`)),
    ).toEqual([]);
  });
});
