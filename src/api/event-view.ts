import { unreachable } from '../base/assert.ts';
import type { z } from 'zod';
import type { JobUpdate } from '../jobs/job-service.ts';
import type { Notice } from '../scheduler/effect.ts';
import { toJobErrorView, toTimestamp } from './job-view.ts';
import type { eventSchemas } from './schema.ts';

/** A server-sent event, before it is text. */
export type EventView = {
  [Name in keyof typeof eventSchemas]: {
    readonly event: Name;
    /** Its place in the job's history; absent for progress, which is not kept. */
    readonly id: number | undefined;
    readonly data: z.infer<(typeof eventSchemas)[Name]>;
  };
}[keyof typeof eventSchemas];

/** An update of a job as clients see it. */
export function toEventView(update: JobUpdate): EventView {
  if (update.type === 'notice') return toNoticeView(update.sequence, update.notice);
  const { nodeId, fraction } = update;
  const progress = Math.min(Math.max(fraction, 0), 1);
  return { event: 'progress', id: undefined, data: { node: nodeId, progress } };
}

/**
 * An event as text (HTML standard, §9.2.6). JSON has no line breaks, so one `data:` line is enough.
 * Without `id:` the client keeps the last one: it resumes behind the last kept event.
 */
export function formatEvent({ event, id, data }: EventView): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

function toNoticeView(id: number, notice: Notice): EventView {
  const at = toTimestamp(notice.atMs);
  switch (notice.type) {
    case 'node': {
      const { nodeId: node, phase: state, attempt, cores, isReused: reused } = notice;
      return { event: 'node', id, data: { at, node, state, attempt, cores, reused } };
    }
    case 'warning': {
      const { code, message, nodeId: node } = notice.warning;
      return { event: 'warning', id, data: { at, code, message, node } };
    }
    case 'job': {
      const error = notice.failure === undefined ? undefined : toJobErrorView(notice.failure);
      return { event: 'job', id, data: { at, state: notice.phase, error } };
    }
    default:
      return unreachable(notice);
  }
}
