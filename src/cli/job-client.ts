import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import {
  eventSchemas,
  jobSchema,
  problemSchema,
  type JobView as ApiJob,
  type NodeView as ApiNode,
} from '../api/schema.ts';
import type { JobChange, JobSource } from './job-source.ts';
import type { JobNotice, JobView, NodeView } from './job-view.ts';
import { readServerEvents, type ServerEvent } from './server-events.ts';

/** A product of a job behind the HTTP API. */
export interface RemoteProduct {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
  /** Absolute. */
  readonly url: string;
}

/** A job behind the HTTP API, with its products. */
export interface RemoteJob {
  readonly view: JobView;
  readonly products: readonly RemoteProduct[];
}

/** A client of a running service. */
export class JobClient {
  readonly #baseUrl: string;

  /** `baseUrl` without a slash at its end, e.g. `http://127.0.0.1:8080`. */
  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /** Uploads a file as a form, streamed from the disk, and creates a job for it. */
  async submit(path: string, signal: AbortSignal): Promise<Result<RemoteJob, Failure>> {
    const form = new FormData();
    form.append('file', await openAsBlob(path), basename(path));
    return this.#request('/v1/jobs', { method: 'POST', body: form, signal });
  }

  /** Reads a job. */
  async get(jobId: string): Promise<Result<RemoteJob, Failure>> {
    return this.#request(`/v1/jobs/${jobId}`, {});
  }

  /** The job as something to watch. */
  source(jobId: string): JobSource {
    return {
      read: async () => {
        const job = await this.get(jobId);
        return job.ok ? ok(job.value.view) : job;
      },
      updates: (signal) => this.#follow(jobId, signal),
    };
  }

  async *#follow(jobId: string, signal: AbortSignal): AsyncGenerator<JobChange> {
    try {
      const response = await fetch(`${this.#baseUrl}/v1/jobs/${jobId}/events`, { signal });
      if (response.body === null) return;
      for await (const event of readServerEvents(response.body)) {
        const change = toJobChange(event);
        if (change !== undefined) yield change;
      }
    } catch (thrown) {
      // An aborted fetch throws wherever it is; that is how following ends here.
      if (!signal.aborted) throw thrown;
    }
  }

  async #request(path: string, init: RequestInit): Promise<Result<RemoteJob, Failure>> {
    try {
      const response = await fetch(`${this.#baseUrl}${path}`, init);
      const body: unknown = await response.json();
      if (!response.ok) return err(toFailure(response.status, body));
      const job = jobSchema.safeParse(body);
      if (!job.success) return err(unexpectedAnswer(z.prettifyError(job.error)));
      return ok(toRemoteJob(job.data, this.#baseUrl));
    } catch (thrown) {
      const message = `${this.#baseUrl} did not answer as a reelgraph service does.`;
      return err(failureFromThrown(thrown, 'unavailable', message));
    }
  }
}

/** A job of the API with what the command line shows of it. */
export function toRemoteJob(job: ApiJob, baseUrl: string): RemoteJob {
  return {
    view: {
      id: job.id,
      pipeline: job.pipeline,
      phase: job.state,
      createdAtMs: Date.parse(job.createdAt),
      ...(job.endedAt !== undefined && { endedAtMs: Date.parse(job.endedAt) }),
      ...(job.error !== undefined && {
        failure: { code: job.error.code, message: job.error.message, nodeId: job.error.node },
      }),
      warnings: job.warnings.map(({ message, node }) => ({
        message,
        ...(node !== undefined && { nodeId: node }),
      })),
      nodes: job.nodes.map(toNodeView),
    },
    products: job.artifacts.map(({ name, mediaType, bytes, url }) => ({
      name,
      mediaType,
      bytes,
      url: new URL(url, baseUrl).href,
    })),
  };
}

/** An event of the API as a change; undefined for an event that this version does not know. */
export function toJobChange({ event, data }: ServerEvent): JobChange | undefined {
  const json: unknown = JSON.parse(data);
  if (event === 'progress') {
    const { node, progress } = eventSchemas.progress.parse(json);
    return { type: 'progress', nodeId: node, fraction: progress };
  }
  const notice = toNotice(event, json);
  return notice === undefined ? undefined : { type: 'notice', notice };
}

function toNotice(event: string, json: unknown): JobNotice | undefined {
  switch (event) {
    case 'node': {
      const { at, node, state, attempt, cores, reused } = eventSchemas.node.parse(json);
      const fixed = { atMs: Date.parse(at), nodeId: node, phase: state, attempt };
      return {
        type: 'node',
        ...fixed,
        ...(cores !== undefined && { cores }),
        ...(reused && { isReused: reused }),
      };
    }
    case 'warning': {
      const { at, message } = eventSchemas.warning.parse(json);
      return { type: 'warning', atMs: Date.parse(at), message };
    }
    case 'job': {
      const { at, state } = eventSchemas.job.parse(json);
      return { type: 'job', atMs: Date.parse(at), phase: state };
    }
    default:
      return undefined;
  }
}

function toNodeView(node: ApiNode): NodeView {
  const reason = node.error?.message ?? node.skipReason;
  return {
    id: node.id,
    needs: node.needs,
    phase: node.state,
    attempt: node.attempt,
    ...(node.queuedAt !== undefined && { queuedAtMs: Date.parse(node.queuedAt) }),
    ...(node.startedAt !== undefined && { startedAtMs: Date.parse(node.startedAt) }),
    ...(node.endedAt !== undefined && { endedAtMs: Date.parse(node.endedAt) }),
    ...(node.cores !== undefined && { cores: node.cores }),
    ...(node.state === 'running' && node.progress > 0 && { progress: node.progress }),
    ...(reason !== undefined && { reason }),
    ...(node.reused && { isReused: node.reused }),
  };
}

function toFailure(status: number, body: unknown): Failure {
  const problem = problemSchema.safeParse(body);
  if (!problem.success) return unexpectedAnswer(`HTTP status ${status}`);
  return failure('invalid_request', problem.data.detail, `${problem.data.code}, HTTP ${status}`);
}

function unexpectedAnswer(detail: string): Failure {
  return failure('internal', 'The service gave an answer that is not understood.', detail);
}
