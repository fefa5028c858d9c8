import type { RequestHandler } from 'express';
import { z } from 'zod';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ApiOptions } from './api-options.ts';
import { hasBody, pathParameter, sendFailure, sendJson, sendProblem } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { quote } from './job-options.ts';
import { toJobView } from './job-view.ts';
import { readJsonBody } from './json-body.ts';
import { makeProblem, type Problem } from './problem.ts';

/**
 * `POST /v1/jobs/:id/retry`: lets an ended job go on. The body may name nodes that run again although
 * they succeeded: `{"nodes": ["publish"]}`. 202 with the job; it is durable that it goes on. 409 while
 * the job has not ended, when its film is not kept any more, and when nothing would run; 507 when the disk
 * has no room for what it would write.
 */
export function retryJobRoute(options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const exchange: Exchange = { ...options, request, response };
    const refusal = refuseBody(exchange);
    if (refusal !== undefined) {
      sendProblem(exchange, refusal);
      return;
    }
    const retried = await retry(options, exchange);
    if (!retried.ok) {
      sendFailure(exchange, retried.error);
      return;
    }
    sendJson(exchange, 202, retried.value);
  };
}

async function retry(options: ApiOptions, exchange: Exchange): Promise<Result<unknown, Failure>> {
  const admitted = options.admission();
  if (!admitted.ok) return admitted;
  const nodes = await readNodes(exchange);
  if (!nodes.ok) return nodes;
  const jobId = pathParameter(exchange.request, 'id');
  const retried = await options.service.retry(jobId, nodes.value);
  if (!retried.ok) return retried;
  options.logger.info({ jobId, nodes: nodes.value }, 'job retried');
  const snapshot = { job: retried.value, progress: new Map<string, number>() };
  return ok(toJobView(snapshot, options.baseUrl ?? '', options.retention));
}

const orderSchema = z.strictObject({ nodes: z.array(z.string().max(63)).max(1000).optional() });

async function readNodes(exchange: Exchange): Promise<Result<readonly string[], Failure>> {
  const body = await readJsonBody(exchange);
  if (!body.ok) return body;
  const order = orderSchema.safeParse(body.value ?? {});
  if (order.success) return ok(order.data.nodes ?? []);
  const message = 'The body may only say which nodes run again, e.g. {"nodes": ["publish"]}.';
  return err(failure('invalid_request', message));
}

/** What is not said to be JSON is a mistake to tell of: without a header `curl -d` sends a form. */
function refuseBody({ request }: Exchange): Problem | undefined {
  if (!hasBody(request)) return undefined;
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
  const isJson = type.split(';', 1).join('').trim().toLowerCase() === 'application/json';
  if (isJson && encoding === 'identity') return undefined;
  const what = isJson ? `${quote(encoding)}-encoded JSON` : quote(type);
  const detail = `The body has to be JSON (Content-Type: application/json), not ${what}.`;
  return makeProblem({ status: 415, code: 'unsupported_media_type', detail });
}
