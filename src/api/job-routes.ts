import type { RequestHandler } from 'express';
import { z } from 'zod';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isTenantName, tenantNameRule } from '../base/tenant.ts';
import type { JobQuery } from '../store/store.ts';
import type { ApiOptions } from './api-options.ts';
import { pathParameter, queryOf, sendFailure, sendJson } from './exchange.ts';
import { quote } from './job-options.ts';
import { toJobSummary, toJobView } from './job-view.ts';
import { jobStates, type JobListView } from './schema.ts';

/** `GET /v1/jobs`: jobs, newest first, page by page. */
export function listJobsRoute(options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const exchange = { ...options, request, response };
    const query = parseQuery(queryOf(request));
    if (!query.ok) {
      sendFailure(exchange, query.error);
      return;
    }
    const page = await options.service.list(query.value);
    if (!page.ok) {
      sendFailure(exchange, page.error);
      return;
    }
    const jobs = page.value.jobs.map((job) => toJobSummary({ job, progress: new Map() }));
    const { next: cursor } = page.value;
    const next = cursor && `${options.baseUrl ?? ''}${nextPath(query.value, cursor)}`;
    if (next !== undefined) response.set('Link', `<${next}>; rel="next"`);
    sendJson(exchange, 200, { jobs, next } satisfies JobListView);
  };
}

/** `GET /v1/jobs/:id`: a job with its nodes and products. */
export function getJobRoute(options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const exchange = { ...options, request, response };
    const snapshot = await options.service.get(pathParameter(request, 'id'));
    if (!snapshot.ok) {
      sendFailure(exchange, snapshot.error);
      return;
    }
    const { baseUrl = '', retention } = options;
    sendJson(exchange, 200, toJobView(snapshot.value, baseUrl, retention));
  };
}

/**
 * `DELETE /v1/jobs/:id`: removes a job and all its files. 204 when it is all gone; 202 while what it runs
 * still ends: then the removal goes on by itself, and nobody sees the job any more either way.
 */
export function deleteJobRoute(options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const exchange = { ...options, request, response };
    const deleted = await options.service.delete(pathParameter(request, 'id'));
    if (deleted.ok) response.status(deleted.value === 'removed' ? 204 : 202).end();
    else sendFailure(exchange, deleted.error);
  };
}

/** `POST /v1/jobs/:id/cancel`: ends a job; 409 when it has ended already. */
export function cancelJobRoute(options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const exchange = { ...options, request, response };
    const cancelled = await options.service.cancel(pathParameter(request, 'id'));
    if (!cancelled.ok) {
      sendFailure(exchange, cancelled.error);
      return;
    }
    const snapshot = { job: cancelled.value, progress: new Map<string, number>() };
    sendJson(exchange, 200, toJobView(snapshot, options.baseUrl ?? '', options.retention));
  };
}

/** Jobs on a page when the client does not say. */
const pageLimitDefault = 20;

const querySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(pageLimitDefault),
  state: z.enum(jobStates).optional(),
  tenant: z.string().refine(isTenantName).optional(),
  after: z.string().min(1).max(200).optional(),
});

/** What each query parameter has to be, for errors. */
const queryHints: Readonly<Record<string, string>> = {
  limit: 'a whole number from 1 to 100',
  state: `one of ${jobStates.join(', ')}`,
  tenant: tenantNameRule,
  after: 'taken from the address of the page before',
};

function parseQuery(search: URLSearchParams): Result<JobQuery, Failure> {
  for (const name of search.keys()) {
    if (!Object.hasOwn(queryHints, name)) {
      return invalid(
        `${quote(name)} is not known here. There are "limit", "state", "tenant" and "after".`,
      );
    }
    if (search.getAll(name).length > 1) return invalid(`${quote(name)} is given more than once.`);
  }
  const parsed = querySchema.safeParse(Object.fromEntries(search));
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0]);
    return invalid(`"${name}" has to be ${queryHints[name]}.`);
  }
  const { limit, state, tenant, after } = parsed.data;
  return ok({
    limit,
    ...(state === undefined ? {} : { phase: state }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(after === undefined ? {} : { after }),
  });
}

function nextPath({ limit, phase, tenant }: JobQuery, after: string): string {
  const search = new URLSearchParams({ limit: String(limit), after });
  if (phase !== undefined) search.set('state', phase);
  if (tenant !== undefined) search.set('tenant', tenant);
  return `/v1/jobs?${search.toString()}`;
}

function invalid(message: string): Result<never, Failure> {
  return err(failure('invalid_request', message));
}
