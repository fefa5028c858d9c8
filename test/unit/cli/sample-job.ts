import type { JobView, NodeView } from '../../../src/cli/job-view.ts';

/** The moment at which every sample job was created. */
export const createdAtMs = 1_700_000_000_000;

/** Times of a node in milliseconds after the job's creation. */
interface Times {
  readonly queued: number;
  readonly started: number;
  readonly ended?: number;
  /** Thread budget; 1 when absent. */
  readonly cores?: number;
}

/** A node that ran, or still runs when it has no end. */
export function ran(id: string, needs: readonly string[], times: Times): NodeView {
  return {
    id,
    needs,
    phase: times.ended === undefined ? 'running' : 'succeeded',
    attempt: 1,
    queuedAtMs: createdAtMs + times.queued,
    startedAtMs: createdAtMs + times.started,
    ...(times.ended !== undefined && { endedAtMs: createdAtMs + times.ended }),
    cores: times.cores ?? 1,
  };
}

/** A node that has not started, or never will. */
export function idle(
  id: string,
  needs: readonly string[],
  state: { readonly phase: NodeView['phase']; readonly reason?: string },
): NodeView {
  return { id, needs, attempt: 0, ...state };
}

const skipped1080p = idle('transcode-1080p', ['validate'], {
  phase: 'skipped',
  reason: 'the source is smaller',
});
const skippedMerge = idle('merge-1080p', ['transcode-1080p', 'recognize-speech'], {
  phase: 'skipped',
  reason: 'its input was skipped',
});

/** The nine nodes of the standard pipeline after a run on two cores. */
export const finishedJob: JobView = {
  id: 'j'.repeat(22),
  pipeline: 'standard',
  phase: 'succeeded',
  createdAtMs,
  endedAtMs: createdAtMs + 9300,
  warnings: [],
  nodes: [
    ran('validate', [], { queued: 0, started: 5, ended: 300 }),
    ran('extract-audio', ['validate'], { queued: 300, started: 310, ended: 1500 }),
    ran('thumbnail', ['validate'], { queued: 300, started: 1510, ended: 2000 }),
    ran('transcode-720p', ['validate'], { queued: 300, started: 308, ended: 9000 }),
    skipped1080p,
    ran('recognize-speech', ['extract-audio'], { queued: 1500, started: 2010, ended: 4000 }),
    ran('merge-720p', ['transcode-720p', 'recognize-speech'], {
      queued: 9000,
      started: 9004,
      ended: 9200,
    }),
    skippedMerge,
    ran('publish', ['thumbnail', 'merge-720p', 'merge-1080p'], {
      queued: 9200,
      started: 9203,
      ended: 9300,
      cores: 0,
    }),
  ],
};

/** The same job five seconds after its creation. */
export const runningJob: JobView = {
  id: finishedJob.id,
  pipeline: 'standard',
  phase: 'running',
  createdAtMs,
  warnings: [],
  nodes: [
    ran('validate', [], { queued: 0, started: 5, ended: 300 }),
    ran('extract-audio', ['validate'], { queued: 300, started: 310, ended: 1500 }),
    idle('thumbnail', ['validate'], { phase: 'ready' }),
    { ...ran('transcode-720p', ['validate'], { queued: 300, started: 308 }), progress: 0.42 },
    skipped1080p,
    ran('recognize-speech', ['extract-audio'], { queued: 1500, started: 2010 }),
    idle('merge-720p', ['transcode-720p', 'recognize-speech'], { phase: 'waiting' }),
    skippedMerge,
    idle('publish', ['thumbnail', 'merge-720p', 'merge-1080p'], { phase: 'waiting' }),
  ],
};
