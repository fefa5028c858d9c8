import type { Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isTerminalJob } from '../scheduler/job-state.ts';
import type { JobService } from '../jobs/job-service.ts';
import { toJobNotice, toJobView, withProgress, type JobNotice, type JobView } from './job-view.ts';
import type { JobDisplay } from './job-display.ts';

/** A job to watch, in this process or behind the HTTP API. */
export interface JobSource {
  /** The job as it is now. */
  read(): Promise<Result<JobView, Failure>>;
  /** What happens to it, from the beginning, until it has ended or `signal` aborts. */
  updates(signal: AbortSignal): AsyncIterable<JobChange>;
}

/** Something new about a watched job. */
export type JobChange =
  | { readonly type: 'notice'; readonly notice: JobNotice }
  | { readonly type: 'progress'; readonly nodeId: string; readonly fraction: number };

/** A job of a service in this process. */
export function localSource(service: JobService, jobId: string): JobSource {
  return {
    async read() {
      const snapshot = await service.get(jobId);
      return snapshot.ok ? ok(toJobView(snapshot.value)) : snapshot;
    },
    async *updates(signal) {
      for await (const update of service.follow(jobId, 0, signal)) {
        yield update.type === 'progress'
          ? update
          : { type: 'notice', notice: toJobNotice(update.notice) };
      }
    },
  };
}

/**
 * Shows a job until it has ended, and gives its last state. When `signal` aborts first, it gives the
 * state of that moment. The display stays open: its owner closes it.
 */
export async function watchJob(
  source: JobSource,
  display: JobDisplay,
  signal: AbortSignal,
): Promise<Result<JobView, Failure>> {
  const first = await source.read();
  if (!first.ok) return first;
  let view = first.value;
  display.show(view);
  for await (const change of source.updates(signal)) {
    if (change.type === 'progress') {
      view = withProgress(view, change.nodeId, change.fraction);
      display.show(view);
      continue;
    }
    const next = await source.read();
    if (!next.ok) return err(next.error);
    view = next.value;
    display.notice(change.notice, view);
  }
  if (isTerminalJob(view.phase)) return ok(view);
  return source.read();
}
