import { unreachable } from '../base/assert.ts';
import { formatDuration } from '../base/units.ts';
import type { JobNotice, JobView, NodeView } from './job-view.ts';
import { coresText } from './tree.ts';

/** One event as a sentence without its full stop; undefined for one that says nothing new. */
export function describeNotice(notice: JobNotice, view: JobView): string | undefined {
  switch (notice.type) {
    case 'warning':
      return `warning: ${notice.message}`;
    case 'job':
      return describeJob(notice.phase, view);
    case 'node':
      return describeNode(notice, view);
    default:
      return unreachable(notice);
  }
}

function describeJob(phase: JobView['phase'], view: JobView): string {
  if (phase !== 'failed' || view.failure === undefined) return `job ${phase}`;
  const where = view.failure.nodeId === undefined ? '' : ` in ${view.failure.nodeId}`;
  return `job failed${where}: ${view.failure.message}`;
}

function describeNode(
  notice: Extract<JobNotice, { type: 'node' }>,
  view: JobView,
): string | undefined {
  const { nodeId, phase } = notice;
  const node = view.nodes.find((candidate) => candidate.id === nodeId);
  const because = node?.reason === undefined ? '' : `: ${node.reason}`;
  switch (phase) {
    case 'waiting':
      return undefined;
    case 'ready':
      return `${nodeId} is ready`;
    case 'running':
      return `${nodeId} started${startText(notice)}`;
    case 'succeeded':
      return `${nodeId} ${notice.isReused ? 'reused' : 'succeeded'}${tookText(node)}`;
    case 'delayed':
      return `${nodeId} will be tried again${because}`;
    case 'failed':
    case 'skipped':
      return `${nodeId} ${phase}${because}`;
    case 'cancelled':
      return `${nodeId} cancelled`;
    default:
      return unreachable(phase);
  }
}

function startText(notice: Extract<JobNotice, { type: 'node' }>): string {
  const cores = coresText(notice.cores);
  const attempt = notice.attempt > 1 ? `, attempt ${notice.attempt}` : '';
  return (cores === '' ? '' : ` on ${cores}`) + attempt;
}

function tookText(node: NodeView | undefined): string {
  if (node?.startedAtMs === undefined || node.endedAtMs === undefined) return '';
  return ` in ${formatDuration(node.endedAtMs - node.startedAtMs)}`;
}
