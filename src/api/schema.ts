import { z } from 'zod';
import type { MediaRole } from '../graph/media-role.ts';
import type { JobPhase, NodePhase } from '../scheduler/job-state.ts';
import { failureCodes } from './problem.ts';

/** States of a job, in the order in which it may go through them. */
export const jobStates = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly JobPhase[];

const nodeStates = [
  'waiting',
  'ready',
  'running',
  'delayed',
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
] as const satisfies readonly NodePhase[];

const mediaRoles = [
  'source',
  'audio',
  'speech',
  'video',
  'rendition',
  'image',
  'transcript',
  'captions',
  'manifest',
] as const satisfies readonly MediaRole[];

const timestamp = z.iso.datetime({ precision: 3 }).describe('Time, ISO 8601 in UTC.');
const fraction = z.number().min(0).max(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const nodeName = z.string().describe('Name of the node in its pipeline.');

const errorSchema = z.strictObject({
  code: z.enum(failureCodes).describe('Stable reason, to switch on.'),
  message: z.string().describe('The reason as a sentence, to show.'),
});

const jobErrorSchema = errorSchema.extend({ node: nodeName });

const warningSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  node: nodeName.optional().describe('Absent when it is about the job as a whole.'),
});

const mediaSchema = z.strictObject({
  durationSec: z.number().positive(),
  video: z
    .strictObject({
      codec: z.string(),
      width: z.number().int().describe('Pixels as displayed: after rotation and aspect ratio.'),
      height: z.number().int(),
      framesPerSecond: z.number().positive(),
    })
    .optional(),
  audio: z
    .strictObject({
      codec: z.string(),
      channels: z.number().int(),
      sampleRateHz: z.number(),
      language: z.string().optional().describe('ISO 639-2, when the file says so.'),
    })
    .optional(),
});

const nodeSchema = z.strictObject({
  id: nodeName,
  kind: z.string(),
  needs: z.array(z.string()).describe('Nodes that have to end first.'),
  state: z.enum(nodeStates),
  optional: z.boolean().describe('Whether the job goes on without it.'),
  attempt: z.number().int().min(0).describe('Attempts started so far.'),
  queuedAt: timestamp.optional().describe('When the last of its needs was done.'),
  startedAt: timestamp.optional().describe('Start of the current or last attempt.'),
  endedAt: timestamp.optional(),
  dueAt: timestamp.optional().describe('When a delayed node is tried again.'),
  progress: fraction,
  cores: z.number().int().optional().describe('Threads the current or last attempt may run.'),
  error: errorSchema.optional().describe('Why it, or its last attempt, failed.'),
  skipReason: z.string().optional(),
  reused: z
    .literal(true)
    .optional()
    .describe('Set when an earlier result from the same inputs was used and nothing ran.'),
});

const artifactSchema = z.strictObject({
  name: z.string(),
  role: z.enum(mediaRoles),
  mediaType: z.string(),
  bytes: z.number().int().positive(),
  sha256,
  url: z.string().describe('Where to get it; relative to the service unless it knows its address.'),
});

/** A job without its nodes and products, as lists show it. */
export const jobSummarySchema = z.strictObject({
  id: z.string(),
  state: z.enum(jobStates),
  pipeline: z.string(),
  priority: z.number().int().min(-100).max(100).describe('Higher starts first.'),
  tenant: z.string().describe('On whose behalf: tenants share the host by their weights.'),
  name: z.string().describe('What the client called the file.'),
  createdAt: timestamp,
  startedAt: timestamp.optional(),
  endedAt: timestamp.optional(),
  expiredAt: timestamp.optional().describe('When its products were removed, past their retention.'),
  error: jobErrorSchema.optional().describe('Why the job failed.'),
  progress: fraction.describe('Share of the expected work that is done.'),
});

/** A job, whole. */
export const jobSchema = jobSummarySchema.extend({
  sourceExpiresAt: timestamp
    .optional()
    .describe('Until when an ended job can be retried: then its upload is removed.'),
  sourceExpiredAt: timestamp
    .optional()
    .describe('When its upload was removed; the job cannot be retried any more.'),
  expiresAt: timestamp.optional().describe('When the products of an ended job will be removed.'),
  warnings: z.array(warningSchema),
  media: mediaSchema.optional().describe('What the source is, once it was probed.'),
  nodes: z.array(nodeSchema),
  artifacts: z.array(artifactSchema).describe('The products made so far.'),
});

/** A page of jobs, newest first. */
export const jobListSchema = z.strictObject({
  jobs: z.array(jobSummarySchema),
  next: z.string().optional().describe('Address of the next page; absent on the last.'),
});

/** The data of each kind of server-sent event. */
export const eventSchemas = {
  node: z.strictObject({
    at: timestamp,
    node: nodeName,
    state: z.enum(nodeStates),
    attempt: z.number().int().min(0),
    cores: z.number().int().optional(),
    reused: z.literal(true).optional(),
  }),
  job: z.strictObject({
    at: timestamp,
    state: z.enum(jobStates),
    error: jobErrorSchema.optional(),
  }),
  warning: warningSchema.extend({ at: timestamp }),
  progress: z.strictObject({ node: nodeName, progress: fraction }),
};

/** A pipeline that jobs can be made with. */
export const pipelineSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  nodes: z.array(z.strictObject({ id: nodeName, kind: z.string(), needs: z.array(z.string()) })),
});

/** The pipelines, by name. */
export const pipelineListSchema = z.strictObject({ pipelines: z.array(pipelineSchema) });

/** An error answer (RFC 9457). */
export const problemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum([
    ...failureCodes,
    'method_not_allowed',
    'range_not_satisfiable',
    'too_many_requests',
    'unsupported_media_type',
  ]),
});

/** A job as clients see it. */
export type JobView = z.infer<typeof jobSchema>;
/** A job in a list. */
export type JobSummaryView = z.infer<typeof jobSummarySchema>;
/** A page of jobs as clients see it. */
export type JobListView = z.infer<typeof jobListSchema>;

/** The pipelines, as answered. */
export type PipelineListView = z.infer<typeof pipelineListSchema>;
/** A node of a {@link JobView}. */
export type NodeView = z.infer<typeof nodeSchema>;
/** A product of a {@link JobView}. */
export type ArtifactView = z.infer<typeof artifactSchema>;
/** A pipeline as clients see it. */
export type PipelineView = z.infer<typeof pipelineSchema>;
