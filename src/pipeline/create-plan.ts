import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { explainIssue, typeName } from './issue-faults.ts';
import { linkNodes } from './link.ts';
import { linkMessage } from './link-words.ts';
import type { Plan, PlannedInput, PlannedNode } from './plan.ts';
import { fillWith } from './pipeline.ts';
import type { ParamDeclaration, Pipeline, PipelineNode } from './pipeline.ts';
import { applyOverride } from './resource-override.ts';
import { hintForName, listNames } from './suggest.ts';

/**
 * Applies a pipeline to a job's parameters. Fails with `invalid_request`, naming every parameter that
 * is unknown, missing, of the wrong type or not taken by a node.
 */
export function createPlan(pipeline: Pipeline, params: JsonObject): Result<Plan, Failure> {
  const checked = checkParams(pipeline, params);
  if (!checked.ok) return refuse(pipeline, checked.error);
  const filled = pipeline.nodes.map((node) => fillNode(node, checked.value));
  const refusals = filled.flatMap((one) => (one.ok ? [] : one.error));
  if (refusals.length > 0) return refuse(pipeline, refusals);
  return link(
    pipeline,
    filled.flatMap((one) => (one.ok ? [one.value] : [])),
  );
}

/** Most reasons that one refusal names. */
const refusalsMax = 10;

/** A node with its parameters, checked by its kind. */
interface FilledNode {
  readonly node: PipelineNode;
  readonly params: JsonObject;
}

function refuse(pipeline: Pipeline, reasons: readonly string[]): Result<never, Failure> {
  const text = [...new Set(reasons)].slice(0, refusalsMax).join(' ');
  return err(
    failure('invalid_request', `The pipeline "${pipeline.name}" cannot run like this: ${text}`),
  );
}

/** The parameters with defaults; or sentences about all that are wrong. */
function checkParams(
  { params: declared }: Pipeline,
  given: JsonObject,
): Result<ReadonlyMap<string, Json>, readonly string[]> {
  const names = declared.map(({ name }) => name);
  const refusals: string[] = [];
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    if (refusals.length === refusalsMax) break;
    refusals.push(
      quoted(`There is no parameter \`${name}\`. ${hintForName(name, names, 'parameters')}`),
    );
  }
  const values = new Map<string, Json>();
  for (const declaration of declared) {
    const value = Object.hasOwn(given, declaration.name) ? given[declaration.name] : undefined;
    const refusal = value === undefined ? undefined : whyRefused(declaration, value);
    if (refusal !== undefined) refusals.push(refusal);
    const used = value ?? declaration.default;
    if (used !== undefined) values.set(declaration.name, used);
  }
  return refusals.length > 0 ? err(refusals) : ok(values);
}

function whyRefused(declaration: ParamDeclaration, value: Json): string | undefined {
  const { name, type, enum: choices } = declaration;
  if (typeof value !== type || (typeof value === 'number' && !Number.isFinite(value))) {
    const wanted = { string: 'a text', number: 'a number', boolean: 'true or false' }[type];
    return `The parameter "${name}" must be ${wanted}, not ${typeName(value)}.`;
  }
  if (choices === undefined || choices.some((choice) => choice === value)) return undefined;
  return quoted(`The parameter \`${name}\` must be one of ${listNames(choices.map(String))}.`);
}

function fillNode(
  node: PipelineNode,
  values: ReadonlyMap<string, Json>,
): Result<FilledNode, readonly string[]> {
  const parsed = node.kind.params.safeParse(fillWith(node.with, values));
  if (parsed.success) return ok({ node, params: parsed.data });
  return err(
    parsed.error.issues.map((issue) => {
      const key = String(issue.path[0]);
      const reference = node.with.get(key);
      const param = reference !== undefined && 'param' in reference ? reference.param : undefined;
      if (param === undefined) return `The node "${node.id}" does not take its "with".`;
      const value = values.get(param);
      if (value === undefined) {
        return `The parameter "${param}" is missing: the node "${node.id}" needs it.`;
      }
      return quoted(`${explainIssue(issue, param, value).message} (node \`${node.id}\`).`);
    }),
  );
}

/** Sentences are shared with the messages about definitions, which mark names with backticks. */
function quoted(sentence: string): string {
  return sentence.replaceAll('`', '"');
}

function link(pipeline: Pipeline, filled: readonly FilledNode[]): Result<Plan, Failure> {
  const { inputs, faults } = linkNodes(
    filled.map(({ node, params }) => ({
      id: node.id,
      needs: node.needs,
      kind: node.kind,
      outputs: node.kind.outputs(params),
      hasCondition: node.when !== undefined,
    })),
  );
  if (faults.length > 0) {
    return refuse(
      pipeline,
      faults.map((fault) => `${quoted(linkMessage(fault))}.`),
    );
  }
  const nodes = filled.map((one) => planNode(one, inputs.get(one.node.id) ?? []));
  return ok({ pipeline: pipeline.name, nodes });
}

function planNode({ node, params }: FilledNode, inputs: readonly PlannedInput[]): PlannedNode {
  const { id, kind, needs, when, optional, retry, timeoutMs, resources } = node;
  return {
    id,
    kind: kind.name,
    kindVersion: kind.version,
    needs,
    params,
    inputs,
    ...(when !== undefined && { when }),
    optional,
    retry,
    timeoutMs,
    estimate: applyOverride(kind.estimate(params, undefined), resources),
    ...(resources !== undefined && { resources }),
  };
}
