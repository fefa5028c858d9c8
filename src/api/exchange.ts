import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import { mebibyte } from '../base/units.ts';
import { toProblem, type Problem } from './problem.ts';

/** A request with its answer, and what answering needs. */
export interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Answers with JSON; while the client is still sending a body, as {@link sendProblem} does. */
export function sendJson(exchange: Exchange, status: number, body: unknown): void {
  const { request, response } = exchange;
  if (isBodyPending(request)) {
    const text = Buffer.from(JSON.stringify(body));
    sendEarly(exchange, { status, type: 'application/json; charset=utf-8', text });
    return;
  }
  response.status(status).set('Cache-Control', 'no-cache').json(body);
}

/** Answers with a failure as problem+json; a failure of the service's own is logged with its detail. */
export function sendFailure(exchange: Exchange, cause: Failure): void {
  const problem = toProblem(cause);
  if (problem.status >= 500) {
    const { code, message, operatorDetail } = cause;
    const { method, path } = exchange.request;
    exchange.logger.error({ method, path, code, operatorDetail }, message);
  }
  sendProblem(exchange, problem);
}

/**
 * Answers with problem+json. While the client is still sending a body, the connection is closed behind
 * the answer, but not at once: a client that meets a reset while it writes never reads the answer.
 */
export function sendProblem(exchange: Exchange, problem: Problem): void {
  const { response } = exchange;
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { headers, ...body } = problem;
  const text = Buffer.from(JSON.stringify(body));
  sendEarly(exchange, { status: problem.status, type: 'application/problem+json', text, headers });
}

/** An answer, whole. */
interface WholeAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers at once, whether or not the body has come. */
function sendEarly(exchange: Exchange, { status, type, text, headers }: WholeAnswer): void {
  const { request, response } = exchange;
  response.writeHead(status, {
    ...headers,
    'Content-Type': type,
    'Content-Length': text.length,
    'Cache-Control': 'no-store',
    ...(isBodyPending(request) ? { Connection: 'close' } : {}),
  });
  if (request.method === 'HEAD') response.end();
  else if (isBodyPending(request) && mayBodyCome(exchange)) void endAfterBody(exchange, text);
  else response.end(text);
}

/** Whether a request announces a body, by its headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Gives a client that waits for it (`Expect: 100-continue`) leave to send its body. */
export function startBody({ request, response }: Exchange): void {
  if (!expectsContinue(request)) return;
  response.writeContinue();
  response.locals[continuedKey] = true;
}

/** The value of a single path parameter. */
export function pathParameter(request: Request, name: string): string {
  const value = request.params[name];
  assert(typeof value === 'string', `the route has a parameter :${name}`);
  return value;
}

/**
 * The query of a request. Only what stands behind the question mark is read: the target may be a whole
 * address of the client's making (RFC 9112, 3.2.2), whose host and port are nobody's business here.
 */
export function queryOf({ url }: Request): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '');
}

/** How long a refused client may go on sending before its connection is cut: a few round trips. */
const lingerMs = 2_000;

/** How much it may send in that time. */
const lingerBytesMax = 16 * mebibyte;

/** Marks, in the response's locals, that the body was asked for. */
const continuedKey = 'hasContinued';

function expectsContinue({ headers }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === '100-continue';
}

/** A client that asked for leave and got none sends no body. */
function mayBodyCome({ request, response }: Exchange): boolean {
  return !expectsContinue(request) || response.locals[continuedKey] === true;
}

function isBodyPending(request: IncomingMessage): boolean {
  return hasBody(request) && !request.complete && !request.destroyed;
}

async function endAfterBody({ request, response, clock }: Exchange, text: Buffer): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(lingerMs, resolve);
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > lingerBytesMax) resolve();
  });
  request.once('end', resolve);
  request.once('close', resolve);
  response.write(text);
  await over;
  cancel();
  response.end();
}
