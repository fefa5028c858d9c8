import { basename, extname } from 'node:path';
import { unreachable } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import type { Settings } from '../config/settings.ts';
import { conditionToText } from '../pipeline/condition-text.ts';
import { createPlan } from '../pipeline/create-plan.ts';
import { toDot, toMermaid } from '../pipeline/diagram.ts';
import type { Plan } from '../pipeline/plan.ts';
import { formatProblem, type PipelineProblem } from '../pipeline/problem.ts';
import { reportFailure, type CliContext } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { writeLines } from './screen.ts';
import { columnsOf, padEndColumns, span, type Line, type Style } from './text.ts';
import { layoutTree } from './tree-layout.ts';
import { coresText } from './tree.ts';

/** The forms in which a pipeline is drawn. */
export const graphFormats = ['text', 'mermaid', 'dot'] as const;

/** One of {@link graphFormats}. */
export type GraphFormat = (typeof graphFormats)[number];

/** What `reelgraph graph` was asked to draw. */
export interface GraphOptions {
  readonly pipeline: string;
  readonly params: JsonObject;
  readonly format: GraphFormat;
}

/** Draws a pipeline, or says what is wrong with it, line by line. */
export async function showGraph(
  context: CliContext,
  settings: Settings,
  { pipeline, params, format }: GraphOptions,
): Promise<ExitCode> {
  const library = await context.loadPipelines(settings);
  if (!library.ok) {
    reportFailure(context, library.error);
    return exitCodes.usage;
  }
  const found = library.value.find(pipeline);
  const plan = found.ok ? createPlan(found.value, params) : found;
  if (!plan.ok) {
    reportFailure(context, plan.error);
    reportProblems(context, library.value.problems, pipeline);
    return exitCodes.usage;
  }
  drawPlan(context, plan.value, format);
  return exitCodes.ok;
}

/** What is wrong with this pipeline; of the others only how much. */
function reportProblems(
  { error }: CliContext,
  problems: readonly PipelineProblem[],
  pipeline: string,
): void {
  const isOwn = ({ file }: PipelineProblem): boolean => basename(file, extname(file)) === pipeline;
  for (const problem of problems.filter(isOwn)) error.write(`${formatProblem(problem)}\n`);
  const others = problems.filter((problem) => !isOwn(problem)).length;
  if (others > 0) error.write(`In other pipelines: ${others} more; see reelgraph doctor.\n`);
}

function drawPlan({ out }: CliContext, plan: Plan, format: GraphFormat): void {
  switch (format) {
    case 'text':
      return writeLines(out, renderPlan(plan, out.style));
    case 'mermaid':
      return out.write(toMermaid(plan));
    case 'dot':
      return out.write(toDot(plan));
    default:
      return unreachable(format);
  }
}

/**
 * A pipeline as a tree for a terminal: each node below the need that is farthest from the start, with
 * its kind, what it waits for besides, and when it applies.
 */
export function renderPlan(plan: Plan, style: Style): readonly Line[] {
  const rows = layoutTree(plan.nodes, { unicode: style.unicode });
  const nodes = new Map(plan.nodes.map((node) => [node.id, node]));
  const labelColumns = Math.max(0, ...rows.map((row) => columnsOf(row.branch + row.id))) + 2;
  const kindColumns = Math.max(0, ...plan.nodes.map((node) => node.kind.length)) + 2;
  return rows.map((row) => {
    const node = nodes.get(row.id);
    const notes = [
      ...(row.alsoNeeds.length > 0 ? [`also needs ${row.alsoNeeds.join(', ')}`] : []),
      ...(node?.when === undefined ? [] : [`when ${conditionToText(node.when)}`]),
      ...(node?.optional === true ? ['optional'] : []),
      ...coresNotes(node?.estimate.demand.coresMax),
    ];
    return [
      span(row.branch, 'dim'),
      span(padEndColumns(row.id, labelColumns - columnsOf(row.branch)), 'strong'),
      span(padEndColumns(node?.kind ?? '', kindColumns)),
      span(notes.join(', '), 'dim'),
    ];
  });
}

function coresNotes(coresMax: number | undefined): readonly string[] {
  const text = coresText(coresMax);
  return text === '' ? [] : [`up to ${text}`];
}
