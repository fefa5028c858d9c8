import { required } from '../base/assert.ts';
import type { Failure } from '../base/failure.ts';
import type { Artifact } from '../graph/artifact.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import { productsOf } from '../jobs/artifacts.ts';
import type { JobSnapshot } from '../jobs/job-service.ts';
import { expiryMs, keepForEver, type Retention } from '../jobs/retention.ts';
import type { PlannedNode } from '../pipeline/plan.ts';
import type { JobFailure, JobState, NodeRecord } from '../scheduler/job-state.ts';
import type { ArtifactView, JobSummaryView, JobView, NodeView } from './schema.ts';

/** Node id → 0…1, for the running nodes that reported any. */
type ProgressByNode = JobSnapshot['progress'];

/**
 * A job as clients see it: chosen field by field, so that paths, commands and the operator's details
 * stay inside. Addresses start with `baseUrl`, e.g. `http://localhost:8080`, or are relative to the
 * service when it is empty. `retention` says when its files will go.
 */
export function toJobView(
  snapshot: JobSnapshot,
  baseUrl: string,
  retention: Retention = keepForEver,
): JobView {
  const { job, progress } = snapshot;
  return {
    ...toJobSummary(snapshot),
    sourceExpiresAt: optionalTimestamp(expiryMs(job, 'source', retention)),
    sourceExpiredAt: optionalTimestamp(job.sourceRemovedAtMs),
    expiresAt: optionalTimestamp(expiryMs(job, 'products', retention)),
    warnings: job.state.warnings.map(({ code, message, nodeId }) => ({
      code,
      message,
      node: nodeId,
    })),
    media: job.state.media === undefined ? undefined : toMediaView(job.state.media),
    nodes: job.state.nodes.map((record, index) => {
      const planned = required(job.state.plan.nodes[index], `the plan of node ${record.id}`);
      return toNodeView(planned, record, progress);
    }),
    artifacts: productsOf(job.state).map((artifact) =>
      toArtifactView(artifact, `${baseUrl}${jobPath(job.state.id)}`),
    ),
  };
}

/** A job in a list. */
export function toJobSummary({ job, progress }: JobSnapshot): JobSummaryView {
  const { state, upload } = job;
  return {
    id: state.id,
    state: state.phase,
    pipeline: state.plan.pipeline,
    priority: state.priority,
    tenant: state.tenant,
    name: upload.name,
    createdAt: toTimestamp(state.createdAtMs),
    startedAt: optionalTimestamp(state.startedAtMs),
    endedAt: optionalTimestamp(state.endedAtMs),
    expiredAt: optionalTimestamp(job.productsRemovedAtMs),
    error: state.failure === undefined ? undefined : toJobErrorView(state.failure),
    progress: measureProgress(state, progress),
  };
}

/** The path of a job in the API. */
export function jobPath(jobId: string): string {
  return `/v1/jobs/${jobId}`;
}

/** A failure of a job as clients see it. */
export function toJobErrorView({ code, message, nodeId }: JobFailure): {
  code: Failure['code'];
  message: string;
  node: string;
} {
  return { code, message, node: nodeId };
}

/** Milliseconds since the epoch as ISO 8601 in UTC. */
export function toTimestamp(atMs: number): string {
  return new Date(atMs).toISOString();
}

/**
 * Share of the job's work that is done, 0…1: its nodes weighted by their estimates. What was skipped,
 * or failed and may, is not work any more. Only a job that succeeded is at 1.
 */
export function measureProgress(state: JobState, progress: ProgressByNode): number {
  if (state.phase === 'succeeded') return 1;
  let total = 0;
  let done = 0;
  for (const [index, record] of state.nodes.entries()) {
    const isDropped = record.phase === 'failed' && state.plan.nodes[index]?.optional === true;
    if (record.phase === 'skipped' || isDropped) continue;
    total += record.estimate.coreSeconds;
    done += record.estimate.coreSeconds * nodeProgress(record, progress);
  }
  return total === 0 ? 0 : Math.min(done / total, progressUnfinishedMax);
}

/** The most that an unfinished job shows. */
const progressUnfinishedMax = 0.999;

function nodeProgress(record: NodeRecord, progress: ProgressByNode): number {
  if (record.phase === 'succeeded') return 1;
  if (record.phase !== 'running') return 0;
  return Math.min(Math.max(progress.get(record.id) ?? 0, 0), 1);
}

function toNodeView(planned: PlannedNode, record: NodeRecord, progress: ProgressByNode): NodeView {
  const { failure } = record;
  return {
    id: record.id,
    kind: planned.kind,
    needs: [...planned.needs],
    state: record.phase,
    optional: planned.optional,
    attempt: record.attempt,
    queuedAt: optionalTimestamp(record.queuedAtMs),
    startedAt: optionalTimestamp(record.startedAtMs),
    endedAt: optionalTimestamp(record.endedAtMs),
    dueAt: record.phase === 'delayed' ? optionalTimestamp(record.dueAtMs) : undefined,
    progress: nodeProgress(record, progress),
    cores: record.cores,
    error: failure === undefined ? undefined : { code: failure.code, message: failure.message },
    skipReason: record.skipReason,
    reused: record.isReused,
  };
}

function toArtifactView(artifact: Artifact, jobUrl: string): ArtifactView {
  const { name, role, mediaType, bytes, sha256 } = artifact;
  const url = `${jobUrl}/artifacts/${encodeURIComponent(name)}`;
  return { name, role, mediaType, bytes, sha256, url };
}

function toMediaView({ durationSec, video, audio }: MediaProbe): JobView['media'] {
  return {
    durationSec,
    video: video && {
      codec: video.codec,
      width: video.displayWidth,
      height: video.displayHeight,
      framesPerSecond: video.framesPerSecond,
    },
    audio: audio && {
      codec: audio.codec,
      channels: audio.channels,
      sampleRateHz: audio.sampleRateHz,
      language: audio.language,
    },
  };
}

function optionalTimestamp(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : toTimestamp(atMs);
}
