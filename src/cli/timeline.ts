import { formatDuration } from '../base/units.ts';
import { criticalPath, unblockerOf, type JobView, type NodeView } from './job-view.ts';
import { columnsOf, padEndColumns, span, type Line, type Span, type Style } from './text.ts';
import { coresText, toneOf } from './tree.ts';

/** How a timeline is drawn. */
export interface TimelineOptions {
  /** Columns of the whole timeline; 100 suits a file. */
  readonly width: number;
  readonly style: Style;
}

/** What a job's run amounts to. */
export interface RunFigures {
  /** From the job's creation to its last end, in milliseconds. */
  readonly totalMs: number;
  /** Thread budget × time, summed over the last attempts, in seconds. */
  readonly coreSeconds: number;
  /** The largest sum of thread budgets at any moment. */
  readonly coresPeak: number;
}

/** Columns of the bars: between these, as the width allows. */
const barColumnsMin = 16;
const barColumnsMax = 48;
/** Columns for time, cores and the note behind a bar. */
const noteColumns = 60;
/** A shorter wait is the hand-off itself (a few milliseconds) and not worth a note. */
const waitMsShown = 50;

/**
 * The timeline of a job that has ended: one row per node with when it waited for a core and when it
 * ran, its time, its cores and whose end let it go. The chain of nodes that the end waited for is
 * marked with `*`. Times count from the job's creation.
 */
export function renderTimeline(view: JobView, options: TimelineOptions): readonly Line[] {
  const figures = runFigures(view);
  const nameColumns = Math.max(0, ...view.nodes.map((node) => columnsOf(node.id)));
  const room = options.width - nameColumns - 4 - noteColumns;
  const barColumns = Math.min(barColumnsMax, Math.max(barColumnsMin, room));
  const chart: Chart = { view, figures, barColumns, style: options.style };
  const critical = new Set(criticalPath(view.nodes));
  const end = formatDuration(figures.totalMs);
  const scale = `0 s${end.padStart(Math.max(0, barColumns - 3))}`;
  return [
    [span('Timeline', 'strong'), span(`  ${figuresText(figures)}`)],
    [span(`${' '.repeat(nameColumns + 4)}${scale}`, 'dim')],
    ...view.nodes.map((node) => [
      span(critical.has(node.id) ? '* ' : '  ', 'strong'),
      span(padEndColumns(node.id, nameColumns + 2)),
      ...barOf(node, chart, critical.has(node.id)),
      ...noteOf(node, view),
    ]),
    [span(legend(options.style), 'dim')],
  ];
}

/** The width that suits a screen: its own, or that of a wide page for a file. */
export function timelineWidth({ columns }: { readonly columns: number }): number {
  return Number.isFinite(columns) ? columns : 140;
}

/** Sums a job's run up. */
export function runFigures(view: JobView): RunFigures {
  const ends = view.nodes.map((node) => node.endedAtMs ?? view.createdAtMs);
  const endMs = Math.max(view.endedAtMs ?? view.createdAtMs, ...ends);
  const spans = view.nodes.flatMap((node) =>
    node.startedAtMs === undefined
      ? []
      : [{ fromMs: node.startedAtMs, toMs: node.endedAtMs ?? endMs, cores: node.cores ?? 0 }],
  );
  const coresAt = (atMs: number): number =>
    spans
      .filter((item) => item.fromMs <= atMs && atMs < item.toMs)
      .reduce((sum, item) => sum + item.cores, 0);
  return {
    totalMs: endMs - view.createdAtMs,
    coreSeconds: spans.reduce(
      (sum, item) => sum + (item.cores * (item.toMs - item.fromMs)) / 1000,
      0,
    ),
    coresPeak: Math.max(0, ...spans.map((item) => coresAt(item.fromMs))),
  };
}

interface Chart {
  readonly view: JobView;
  readonly figures: RunFigures;
  readonly barColumns: number;
  readonly style: Style;
}

function figuresText({ totalMs, coreSeconds, coresPeak }: RunFigures): string {
  const peak = coresPeak === 0 ? '' : `, ${coresText(coresPeak)} in use at the peak`;
  return `${formatDuration(totalMs)} in all, ${coreSeconds.toFixed(1)} core-seconds reserved${peak}`;
}

function legend(style: Style): string {
  const [ran, waited] = glyphs(style);
  return `${ran} ran  ${waited} waited for a core  * the chain that the end waited for`;
}

function glyphs(style: Style): readonly [ran: string, waited: string] {
  return style.unicode ? ['█', '░'] : ['#', '.'];
}

function barOf(node: NodeView, chart: Chart, isCritical: boolean): readonly Span[] {
  const { view, figures, barColumns, style } = chart;
  const [ran, waited] = glyphs(style);
  if (node.startedAtMs === undefined) return [span(' '.repeat(barColumns))];
  const columnOf = (atMs: number): number => {
    const fraction = figures.totalMs === 0 ? 0 : (atMs - view.createdAtMs) / figures.totalMs;
    return Math.min(barColumns, Math.max(0, Math.round(fraction * barColumns)));
  };
  // Every node that ran gets at least one column, however short it was.
  const start = Math.min(columnOf(node.startedAtMs), barColumns - 1);
  const end = Math.max(start + 1, columnOf(node.endedAtMs ?? node.startedAtMs));
  const queued = Math.min(start, columnOf(node.queuedAtMs ?? node.startedAtMs));
  const tone = node.phase === 'succeeded' ? (isCritical ? 'busy' : 'plain') : toneOf(node.phase);
  return [
    span(' '.repeat(queued)),
    span(waited.repeat(start - queued), 'dim'),
    span(ran.repeat(end - start), tone),
    span(' '.repeat(barColumns - end)),
  ];
}

function noteOf(node: NodeView, view: JobView): readonly Span[] {
  if (node.startedAtMs === undefined) return [span(`  ${idleNote(node)}`, 'dim')];
  const ranMs = (node.endedAtMs ?? node.startedAtMs) - node.startedAtMs;
  const figures = `  ${formatDuration(ranMs).padStart(8)}  ${coresText(node.cores).padEnd(7)}`;
  const notes: Span[] = [span(figures)];
  if (node.phase !== 'succeeded') notes.push(span(`  ${node.phase}`, toneOf(node.phase)));
  const why = whyText(node, view);
  if (why !== '') notes.push(span(`  ${why}`, 'dim'));
  return notes;
}

function idleNote(node: NodeView): string {
  return node.reason === undefined ? node.phase : `${node.phase}: ${node.reason}`;
}

function whyText(node: NodeView, view: JobView): string {
  const parts: string[] = node.isReused ? ['reused'] : [];
  const unblocker = unblockerOf(node, view.nodes);
  if (unblocker !== undefined) parts.push(`after ${unblocker.id}`);
  const waitMs = (node.startedAtMs ?? 0) - (node.queuedAtMs ?? node.startedAtMs ?? 0);
  if (node.attempt > 1) parts.push(`attempt ${node.attempt}`);
  else if (waitMs >= waitMsShown) {
    const what = (node.cores ?? 0) === 0 ? 'a free slot' : 'a core';
    parts.push(`waited ${formatDuration(waitMs)} for ${what}`);
  }
  return parts.join(', ');
}
