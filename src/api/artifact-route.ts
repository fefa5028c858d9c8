import { pipeline } from 'node:stream/promises';
import type { Response, RequestHandler } from 'express';
import type { Clock } from '../base/clock.ts';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Artifact } from '../graph/artifact.ts';
import { productsExpired, productsOf } from '../jobs/artifacts.ts';
import type { OpenedArtifact } from '../jobs/job-service.ts';
import type { ApiOptions } from './api-options.ts';
import { matchesEtag, parseRange, type RangeRequest } from './byte-range.ts';
import { inlineDisposition } from './content-disposition.ts';
import { pathParameter, sendFailure, sendProblem, type Exchange } from './exchange.ts';
import { quote } from './job-options.ts';
import { makeProblem, type Problem } from './problem.ts';

/**
 * `GET` and `HEAD /v1/jobs/:id/artifacts/:name`: a product, whole or a part of it. Only names that the
 * job lists are ever opened. A client that goes away, or takes nothing for {@link stallMs}, ends the
 * reading.
 */
export function artifactRoute(options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const exchange: Exchange = { ...options, request, response };
    const found = await findProduct(options, exchange);
    if (!found.ok) {
      sendFailure(exchange, found.error);
      return;
    }
    const artifact = found.value;
    if (matchesEtag(request.get('If-None-Match'), toEtag(artifact))) {
      response.status(304).set(describe(artifact)).end();
      return;
    }
    const asked = askedRange(exchange, artifact);
    if (asked.type === 'unsatisfiable') sendProblem(exchange, unsatisfiable(artifact));
    else await deliver(options, exchange, { artifact, asked });
  };
}

/** How long a reader may take nothing before its connection is cut, in milliseconds. */
const stallMs = 5 * 60_000;

/** Seconds for which a client may keep a product: a day. It never changes under its name. */
const maxAgeSec = 24 * 60 * 60;

/** What is asked of an artifact, once it is known to be there. */
interface Delivery {
  readonly artifact: Artifact;
  readonly asked: Exclude<RangeRequest, { type: 'unsatisfiable' }>;
}

async function findProduct(
  { service }: ApiOptions,
  { request }: Exchange,
): Promise<Result<Artifact, Failure>> {
  const snapshot = await service.get(pathParameter(request, 'id'));
  if (!snapshot.ok) return snapshot;
  const name = pathParameter(request, 'name');
  const artifact = productsOf(snapshot.value.job.state).find((product) => product.name === name);
  if (artifact !== undefined) {
    const isGone = snapshot.value.job.productsRemovedAtMs !== undefined;
    return isGone ? err(productsExpired()) : ok(artifact);
  }
  return err(failure('not_found', `The job has no product called ${quote(name)}, or not yet.`));
}

/**
 * Products are made from strangers' films, so a browser gets them as inert files: the type we say, and
 * no scripts, forms or plug-ins whatever is in them. What a browser wraps around a film or a picture
 * that is opened directly still works: it styles itself, and it fetches the file a second time, which
 * Chromium refuses to a sandbox without an origin.
 */
const contentPolicy =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; " +
  'sandbox allow-same-origin';

function describe(artifact: Artifact): Record<string, string> {
  const { mediaType, name } = artifact;
  return {
    'Content-Type': mediaType.startsWith('text/') ? `${mediaType}; charset=utf-8` : mediaType,
    'Content-Disposition': inlineDisposition(name),
    'Content-Security-Policy': contentPolicy,
    'Cache-Control': `private, max-age=${maxAgeSec}, immutable`,
    'Accept-Ranges': 'bytes',
    ETag: toEtag(artifact),
  };
}

/**
 * A range counts for GET only (RFC 9110 §14.2), and behind `If-Range` only while the client's copy is
 * the present one. There is no date to compare, so a date never matches.
 */
function askedRange({ request }: Exchange, artifact: Artifact): RangeRequest {
  if (request.method !== 'GET') return { type: 'whole' };
  const ifRange = request.get('If-Range');
  if (ifRange !== undefined && ifRange.trim() !== toEtag(artifact)) return { type: 'whole' };
  return parseRange(request.get('Range'), artifact.bytes);
}

async function deliver(options: ApiOptions, exchange: Exchange, delivery: Delivery): Promise<void> {
  const { request, response } = exchange;
  if (request.method === 'HEAD') {
    writeHead(response, delivery);
    response.end();
    return;
  }
  const opened = await open(options, exchange, delivery);
  if (!opened.ok) {
    sendFailure(exchange, opened.error);
    return;
  }
  writeHead(response, delivery);
  await copy(options, exchange, opened.value);
}

function writeHead(response: Response, { artifact, asked }: Delivery): void {
  const whole = { first: 0, last: artifact.bytes - 1 };
  const { first, last } = asked.type === 'part' ? asked.range : whole;
  response.status(asked.type === 'part' ? 206 : 200).set(describe(artifact));
  response.set('Content-Length', String(last - first + 1));
  if (asked.type === 'part') {
    response.set('Content-Range', `bytes ${first}-${last}/${artifact.bytes}`);
  }
}

async function open(
  { service }: ApiOptions,
  { request }: Exchange,
  { artifact, asked }: Delivery,
): Promise<Result<OpenedArtifact, Failure>> {
  const jobId = pathParameter(request, 'id');
  const range = asked.type === 'part' ? asked.range : undefined;
  const opened = await service.openArtifact(jobId, artifact.name, range);
  if (!opened.ok || opened.value.object.bytes === artifact.bytes) return opened;
  opened.value.object.body.destroy();
  const detail = `${jobId}/${artifact.name} has ${opened.value.object.bytes} bytes in the storage`;
  return err(failure('internal', 'The product is damaged.', detail));
}

async function copy(
  { clock, logger }: ApiOptions,
  { request, response }: Exchange,
  { object }: OpenedArtifact,
): Promise<void> {
  const release = cutWhenStalled(response, clock);
  try {
    await pipeline(object.body, response);
  } catch (thrown) {
    // Too late for another answer: the connection is gone, or cut short of its announced length.
    logger.debug({ path: request.path, error: String(thrown) }, 'A download broke off.');
  } finally {
    release();
  }
}

/** Destroys the response when its connection moves no byte for {@link stallMs}. */
function cutWhenStalled(response: Response, clock: Clock): () => void {
  let bytes = -1;
  let cancel: (() => void) | undefined;
  const check = (): void => {
    const written = response.socket?.bytesWritten ?? 0;
    if (written === bytes) {
      response.destroy();
      return;
    }
    bytes = written;
    cancel = clock.after(stallMs, check);
  };
  check();
  return () => cancel?.();
}

function toEtag({ sha256 }: Artifact): string {
  return `"${sha256}"`;
}

function unsatisfiable({ bytes }: Artifact): Problem {
  return makeProblem({
    status: 416,
    code: 'range_not_satisfiable',
    detail: `The product has ${bytes} bytes; the asked range lies outside.`,
    headers: { 'Content-Range': `bytes */${bytes}` },
  });
}
