import { formatDuration } from '../base/units.ts';
import { unreachable } from '../base/assert.ts';
import { isTerminalNode, type NodePhase } from '../scheduler/job-state.ts';
import type { JobView, NodeView } from './job-view.ts';
import {
  columnsOf,
  padEndColumns,
  span,
  type Line,
  type Span,
  type Style,
  type Tone,
} from './text.ts';
import { layoutTree } from './tree-layout.ts';

/** What the tree needs besides the job. */
export interface TreeOptions {
  /** The present, wall-clock milliseconds. */
  readonly nowMs: number;
  /** Columns of the terminal. */
  readonly width: number;
  /** Lines at most, ≥ 1; of more nodes, those are left out that have the least to tell. */
  readonly rowsMax?: number;
  readonly style: Style;
}

/** Columns of a progress bar: between these, as the terminal allows. */
const barColumnsMin = 8;
const barColumnsMax = 24;
/** Columns of ` 100 %   1 min 30 s  16 cores`, which follow a bar. */
const figuresColumns = 30;

/** The empty line and the summary below the rows, and the line that tells of nodes left out. */
const extraLines = 3;

/**
 * The live tree of a job: one row per node in its place, with its state, progress, time and cores, and
 * a summary below.
 */
export function renderTree(view: JobView, options: TreeOptions): readonly Line[] {
  const { style } = options;
  const rows = layoutTree(view.nodes, { unicode: style.unicode });
  const nodes = new Map(view.nodes.map((node) => [node.id, node]));
  const labelColumns = Math.max(0, ...rows.map((row) => columnsOf(row.branch + row.id))) + 2;
  const context: DetailContext = { view, labelColumns: labelColumns + 2, options };
  const shown = rowsToShow(view.nodes, options.rowsMax ?? Number.POSITIVE_INFINITY);
  const lines = rows.flatMap((row): Line[] => {
    const node = nodes.get(row.id);
    if (node === undefined || !shown.has(row.id)) return [];
    const label = padEndColumns(node.id, labelColumns - columnsOf(row.branch));
    return [
      [
        span(row.branch, 'dim'),
        span(`${symbolOf(node.phase, style)} `, toneOf(node.phase)),
        span(label, node.phase === 'running' ? 'strong' : 'plain'),
        ...detailOf(node, context),
      ],
    ];
  });
  const hidden = view.nodes.length - shown.size;
  if (hidden > 0) lines.push([span(`and ${hidden} more, for which there is no room`, 'dim')]);
  return [...lines, [], summaryOf(view, options.nowMs)].slice(-(options.rowsMax ?? Infinity));
}

/** How much a state tells while a job runs: the lowest ones are left out first. */
const tellingOrder: readonly NodePhase[] = [
  'skipped',
  'succeeded',
  'waiting',
  'cancelled',
  'ready',
  'delayed',
  'running',
  'failed',
];

function rowsToShow(nodes: readonly NodeView[], rowsMax: number): ReadonlySet<string> {
  if (nodes.length + extraLines - 1 <= rowsMax) return new Set(nodes.map((node) => node.id));
  const room = Math.max(0, rowsMax - extraLines);
  const byTelling = nodes.toSorted(
    (left, right) => tellingOrder.indexOf(right.phase) - tellingOrder.indexOf(left.phase),
  );
  return new Set(byTelling.slice(0, room).map((node) => node.id));
}

/** The tone of a node's state. */
export function toneOf(phase: NodePhase): Tone {
  switch (phase) {
    case 'succeeded':
      return 'good';
    case 'running':
      return 'busy';
    case 'failed':
      return 'bad';
    case 'delayed':
    case 'cancelled':
      return 'warn';
    case 'waiting':
    case 'ready':
    case 'skipped':
      return 'dim';
    default:
      return unreachable(phase);
  }
}

const unicodeSymbols: Readonly<Record<NodePhase, string>> = {
  waiting: '○',
  ready: '◎',
  running: '●',
  delayed: '↻',
  succeeded: '✔',
  failed: '✖',
  cancelled: '■',
  skipped: '–',
};

const asciiSymbols: Readonly<Record<NodePhase, string>> = {
  waiting: '.',
  ready: 'o',
  running: '>',
  delayed: '~',
  succeeded: '+',
  failed: 'x',
  cancelled: '#',
  skipped: '-',
};

/** The one-column symbol of a node's state. */
export function symbolOf(phase: NodePhase, style: Style): string {
  return (style.unicode ? unicodeSymbols : asciiSymbols)[phase];
}

/** `1 core`, `2 cores`, or nothing for input/output work. */
export function coresText(cores: number | undefined): string {
  if (cores === undefined || cores === 0) return '';
  return cores === 1 ? '1 core' : `${cores} cores`;
}

interface DetailContext {
  readonly view: JobView;
  readonly labelColumns: number;
  readonly options: TreeOptions;
}

function detailOf(node: NodeView, context: DetailContext): readonly Span[] {
  switch (node.phase) {
    case 'waiting':
      return [span(waitingText(node, context.view), 'dim')];
    case 'ready':
      return [span('waits for its turn', 'dim')];
    case 'running':
      return runningDetail(node, context);
    case 'delayed':
      return [span(`tries again: ${node.reason ?? 'its last attempt failed'}`, 'warn')];
    case 'succeeded':
      return [span(figuresText(node, context.options.nowMs), 'dim')];
    case 'failed':
      return [span(node.reason ?? 'failed', 'bad')];
    case 'cancelled':
      return [span('cancelled', 'warn')];
    case 'skipped':
      return [span(node.reason === undefined ? 'skipped' : `skipped: ${node.reason}`, 'dim')];
    default:
      return unreachable(node.phase);
  }
}

function waitingText(node: NodeView, view: JobView): string {
  const open = view.nodes.filter(
    (need) => node.needs.includes(need.id) && !isTerminalNode(need.phase),
  );
  return open.length === 0 ? 'waits' : `waits for ${open.map((need) => need.id).join(', ')}`;
}

function runningDetail(node: NodeView, context: DetailContext): readonly Span[] {
  const { nowMs, width, style } = context.options;
  const figures = figuresText(node, nowMs);
  const room = width - context.labelColumns - figuresColumns;
  if (node.progress === undefined) return [span(figures)];
  const percent = `${Math.floor(node.progress * 100)} %`.padStart(6);
  if (room < barColumnsMin) return [span(`${percent}  ${figures}`)];
  const columns = Math.min(room, barColumnsMax);
  return [...progressBar(node.progress, columns, style), span(`${percent}  ${figures}`)];
}

/** A bar of `columns` columns, filled to `fraction` (0…1). */
export function progressBar(fraction: number, columns: number, style: Style): readonly Span[] {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * columns);
  const [full, rest] = style.unicode ? ['█', '░'] : ['#', '.'];
  return [span(full.repeat(filled), 'busy'), span(rest.repeat(columns - filled), 'dim')];
}

function figuresText(node: NodeView, nowMs: number): string {
  const parts: string[] = [];
  if (node.startedAtMs !== undefined) {
    parts.push(formatDuration(Math.max(0, (node.endedAtMs ?? nowMs) - node.startedAtMs)));
  }
  const cores = coresText(node.cores);
  if (cores !== '') parts.push(cores);
  if (node.isReused) parts.push('reused');
  if (node.attempt > 1) parts.push(`attempt ${node.attempt}`);
  return parts.join('  ');
}

function summaryOf(view: JobView, nowMs: number): Line {
  const count = (...phases: readonly NodePhase[]): number =>
    view.nodes.filter(({ phase }) => phases.includes(phase)).length;
  const failed = count('failed');
  const busy = view.nodes
    .filter((node) => node.phase === 'running')
    .reduce((sum, node) => sum + (node.cores ?? 0), 0);
  const elapsed = formatDuration(Math.max(0, (view.endedAtMs ?? nowMs) - view.createdAtMs));
  const parts = [
    `${count('succeeded', 'skipped')} of ${view.nodes.length} nodes done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(busy > 0 ? [`${coresText(busy)} busy`] : []),
    elapsed,
  ];
  const tone = view.phase === 'failed' ? 'bad' : view.phase === 'succeeded' ? 'good' : 'plain';
  return [span(view.phase, tone), span(`  ${parts.join(', ')}`, 'dim')];
}
