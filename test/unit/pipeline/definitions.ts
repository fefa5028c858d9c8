import { readFileSync } from 'node:fs';
import type { JsonObject } from '../../../src/base/json.ts';
import { createPlan } from '../../../src/pipeline/create-plan.ts';
import { parsePipeline } from '../../../src/pipeline/parse-pipeline.ts';
import type { Pipeline } from '../../../src/pipeline/pipeline.ts';
import type { Plan } from '../../../src/pipeline/plan.ts';
import { formatProblem } from '../../../src/pipeline/problem.ts';
import { fakeKinds } from '../../fakes/kinds.ts';

/** All problems of a definition as lines `f:line:column: message. hint`. */
export function problemsOf(text: string): readonly string[] {
  const parsed = parsePipeline(text, 'f', fakeKinds);
  return parsed.ok ? [] : parsed.error.map(formatProblem);
}

/** A sound definition; a test that gives another one is wrong itself. */
export function pipelineOf(text: string): Pipeline {
  const parsed = parsePipeline(text, 'f', fakeKinds);
  if (!parsed.ok) throw new Error(parsed.error.map(formatProblem).join('\n'));
  return parsed.value;
}

/** The plan of a definition for parameters that it takes. */
export function planOf(text: string, params: JsonObject = {}): Plan {
  const plan = createPlan(pipelineOf(text), params);
  if (!plan.ok) throw new Error(plan.error.message);
  return plan.value;
}

/** A definition that lies in `pipelines/`. */
export function definitionText(name: string): string {
  return readFileSync(new URL(`../../../pipelines/${name}.yaml`, import.meta.url), 'utf8');
}
