import { conditionToText } from './condition-text.ts';
import type { Plan, PlannedNode } from './plan.ts';

/**
 * The plan as a Mermaid flowchart: one box per node with its kind and condition, rounded when it is
 * optional, one arrow per need.
 */
export function toMermaid(plan: Plan): string {
  const indexOf = new Map(plan.nodes.map((node, index) => [node.id, index]));
  const boxes = plan.nodes.map((node, index) => {
    const label = labelLines(node).map(escapeMermaid).join('<br/>');
    // Numbers as ids: a node may be called `end` or `class`, which Mermaid keeps for itself.
    return node.optional ? `  n${index}(["${label}"])` : `  n${index}["${label}"]`;
  });
  const arrows = plan.nodes.flatMap((node, index) =>
    node.needs.map((need) => `  n${indexOf.get(need)} --> n${index}`),
  );
  return ['flowchart LR', ...boxes, ...arrows, ''].join('\n');
}

/** The same picture in Graphviz's DOT language. */
export function toDot(plan: Plan): string {
  const boxes = plan.nodes.map((node) => {
    const label = labelLines(node).map(escapeDot).join('\\n');
    const style = node.optional ? ', style="rounded"' : '';
    return `  "${escapeDot(node.id)}" [label="${label}"${style}];`;
  });
  const arrows = plan.nodes.flatMap((node) =>
    node.needs.map((need) => `  "${escapeDot(need)}" -> "${escapeDot(node.id)}";`),
  );
  return [
    `digraph "${escapeDot(plan.pipeline)}" {`,
    '  rankdir=LR;',
    '  node [shape=box];',
    ...boxes,
    ...arrows,
    '}',
    '',
  ].join('\n');
}

/** Name, kind where the name does not say it, condition. */
function labelLines({ id, kind, when }: PlannedNode): readonly string[] {
  return [
    id,
    ...(kind === id ? [] : [kind]),
    ...(when === undefined ? [] : [`when ${conditionToText(when)}`]),
  ];
}

/** Mermaid's entity codes, `#35;` for `#`: quotes end a label, and labels may hold HTML and Markdown. */
function escapeMermaid(text: string): string {
  return text
    .replaceAll(/[#"&<>`*_\\[\](){}|]/g, (character) => `#${character.codePointAt(0)};`)
    .replaceAll(/\s/g, ' ');
}

/** In a quoted DOT string only quotes and backslashes mean something. */
function escapeDot(text: string): string {
  return text.replaceAll(/["\\]/g, (character) => `\\${character}`).replaceAll(/\s/g, ' ');
}
