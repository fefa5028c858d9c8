import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { failure } from '../base/failure.ts';
import { jobIdPattern } from '../base/ids.ts';
import type { ApiOptions } from './api-options.ts';
import { artifactRoute } from './artifact-route.ts';
import { createJobRoute } from './create-job.ts';
import { eventsRoute } from './event-stream.ts';
import { hasBody, sendFailure, sendJson, sendProblem, type Exchange } from './exchange.ts';
import { cancelJobRoute, deleteJobRoute, getJobRoute, listJobsRoute } from './job-routes.ts';
import { makeProblem, toProblem, unexpectedProblem } from './problem.ts';
import { retryJobRoute } from './retry-route.ts';
import type { PipelineListView } from './schema.ts';

/** The HTTP API as an express application. It holds no state but counts of what is running. */
export function createApi(options: ApiOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  // Routes read their queries strictly, by themselves.
  app.set('query parser', false);
  app.use(prepare(options));
  app.param('id', checkJobId(options));
  const target: Target = { app, options };
  addRoute(target, '/v1/jobs', { GET: listJobsRoute(options), POST: createJobRoute(options) });
  addRoute(target, '/v1/jobs/:id', { GET: getJobRoute(options), DELETE: deleteJobRoute(options) });
  addRoute(target, '/v1/jobs/:id/cancel', { POST: cancelJobRoute(options) });
  addRoute(target, '/v1/jobs/:id/retry', { POST: retryJobRoute(options) });
  addRoute(target, '/v1/jobs/:id/events', { GET: eventsRoute(options) });
  addRoute(target, '/v1/jobs/:id/artifacts/:name', { GET: artifactRoute(options) });
  addRoute(target, '/v1/pipelines', { GET: pipelinesRoute(options) });
  addRoute(target, '/healthz', { GET: aliveRoute(options) });
  addRoute(target, '/readyz', { GET: readyRoute(options) });
  app.use(unknownRoute(options));
  app.use(errorRoute(options));
  return app;
}

/** Handlers of one path by method. */
interface RouteHandlers {
  readonly GET?: RequestHandler;
  readonly POST?: RequestHandler;
  readonly DELETE?: RequestHandler;
}

/** Where routes are added. */
interface Target {
  readonly app: Express;
  readonly options: ApiOptions;
}

/** Adds a path with its methods; every other method is answered with the list of them. */
function addRoute({ app, options }: Target, path: string, handlers: RouteHandlers): void {
  const route = app.route(path);
  const { GET, POST, DELETE } = handlers;
  if (GET !== undefined) route.get(GET);
  if (POST !== undefined) route.post(checkChanges(options), POST);
  if (DELETE !== undefined) route.delete(checkChanges(options), DELETE);
  const methods = Object.keys(handlers).flatMap((name) =>
    name === 'GET' ? ['GET', 'HEAD'] : name,
  );
  const allow = [...methods, 'OPTIONS'].join(', ');
  route.all((request, response) => {
    if (request.method === 'OPTIONS') {
      response.status(204).set('Allow', allow).end();
      return;
    }
    const detail = `${request.method} does not work here; there are ${methods.join(', ')}.`;
    const problem = { status: 405, code: 'method_not_allowed', detail } as const;
    const exchange = { ...options, request, response };
    sendProblem(exchange, makeProblem({ ...problem, headers: { Allow: allow } }));
  });
}

/** What holds for every answer. */
function prepare({ logger, clock }: ApiOptions): RequestHandler {
  return (request, response, next) => {
    const { method, path } = request;
    const startMs = clock.monotonicMs();
    response.set('X-Content-Type-Options', 'nosniff');
    // Only uploads have bodies that are read to their end whatever they are: any other might hold the
    // connection as long as it likes.
    if (hasBody(request) && !isUpload(method, path)) response.set('Connection', 'close');
    response.once('close', () => {
      const durationMs = Math.round(clock.monotonicMs() - startMs);
      logger.debug({ method, path, status: response.statusCode, durationMs }, 'request ended');
    });
    next();
  };
}

function isUpload(method: string, path: string): boolean {
  return method === 'POST' && (path === '/v1/jobs' || path === '/v1/jobs/');
}

/** Whatever is more than reading waits until it may change something. */
function checkChanges(options: ApiOptions): RequestHandler {
  return (request, response, next) => {
    const allowed = options.changes();
    if (allowed.ok) next();
    else sendProblem({ ...options, request, response }, toProblem(allowed.error));
  };
}

/** An id that cannot be one is as unknown as any other; nothing is looked up for it. */
function checkJobId(options: ApiOptions): (...parameters: IdParameters) => void {
  // oxlint-disable-next-line max-params -- the arity is express's contract
  return (request, response, next, id) => {
    if (jobIdPattern.test(id)) next();
    else sendFailure({ ...options, request, response }, failure('not_found', 'No such job.'));
  };
}

/** What express gives to the handler of a path parameter. */
type IdParameters = [...handled: Parameters<RequestHandler>, id: string];

function pipelinesRoute(options: ApiOptions): RequestHandler {
  return (request, response) => {
    const exchange: Exchange = { ...options, request, response };
    sendJson(exchange, 200, { pipelines: [...options.pipelines] } satisfies PipelineListView);
  };
}

function aliveRoute(options: ApiOptions): RequestHandler {
  return (request, response) => {
    sendJson({ ...options, request, response }, 200, { status: 'alive' });
  };
}

function readyRoute(options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const exchange: Exchange = { ...options, request, response };
    const ready = await options.readiness();
    if (ready.ok) sendJson(exchange, 200, { status: 'ready' });
    else {
      const { message: detail, operatorDetail } = ready.error;
      options.logger.warn({ operatorDetail }, `not ready: ${detail}`);
      sendProblem(exchange, makeProblem({ status: 503, code: 'unavailable', detail }));
    }
  };
}

function unknownRoute(options: ApiOptions): RequestHandler {
  return (request, response) => {
    const exchange: Exchange = { ...options, request, response };
    sendFailure(exchange, failure('not_found', 'There is nothing at this address.'));
  };
}

/** Express wants four parameters to tell a handler of errors from others. */
function errorRoute(options: ApiOptions): ErrorRequestHandler {
  // oxlint-disable-next-line max-params -- the arity is express's contract
  return (thrown: unknown, request, response, _next) => {
    const exchange: Exchange = { ...options, request, response };
    if (thrown instanceof URIError) {
      sendFailure(exchange, failure('invalid_request', 'The address is malformed.'));
      return;
    }
    const error = thrown instanceof Error ? thrown.stack : String(thrown);
    options.logger.error({ method: request.method, path: request.path, error }, 'a request failed');
    sendProblem(exchange, unexpectedProblem);
  };
}
