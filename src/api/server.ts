import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { assert } from '../base/assert.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { errorCodeOf } from '../base/error-code.ts';
import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { silentLogger, type Logger } from '../base/logger.ts';
import { err, ok, type Result } from '../base/result.ts';

/** Where to listen, and the bounds of the connections. */
export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Most connections at once; further ones are closed unanswered. */
  readonly connectionsMax?: number;
  /** How long a client may take to send its request's headers, in milliseconds. */
  readonly headersTimeoutMs?: number;
  /** How long {@link RunningServer.close} lets requests finish, in milliseconds. */
  readonly drainMs?: number;
}

/** A server that listens. */
export interface RunningServer {
  /** Its base URL without a slash at the end; the loopback address when it listens on all of them. */
  readonly url: string;
  /**
   * Closes connections that are idle, and every other one behind the answer at hand, or to the request that
   * has begun to come. It goes on listening, so that clients are told what is the matter. Resolves when no
   * request is in flight that changes something (an upload); those that only read can be repeated.
   */
  drain(): Promise<void>;
  /**
   * Stops listening, ends event streams and idle connections at once, lets the other requests finish, also
   * those that have only begun to come, for a while and then cuts them. Resolves when no connection is left.
   * Idempotent.
   */
  close(): Promise<void>;
}

/**
 * Serves an application over HTTP/1.1. Failures: `resource` when the address cannot be had; the message
 * names the setting to change.
 */
export async function startServer(
  app: RequestListener,
  options: ServerOptions,
): Promise<Result<RunningServer, Failure>> {
  const server = createGuardedServer(app, options);
  const traffic = trackTraffic(server);
  try {
    await listen(server, options);
  } catch (thrown) {
    return err(explainListenError(thrown, options));
  }
  const logger = options.logger ?? silentLogger;
  server.on('error', (error) => logger.error({ error: String(error) }, 'The server had an error.'));
  let closing: Promise<void> | undefined;
  return ok({
    url: toUrl(server, options.host),
    drain: () => drainTraffic(server, traffic),
    close: () => (closing ??= closeServer(server, traffic, options)),
  });
}

/** Connections at once: far more than uploads and event streams may use together. */
const connectionsMaxDefault = 1024;

/** Milliseconds for the headers of a request; also what a connection that says nothing has. */
const headersTimeoutMsDefault = 20_000;

/** Milliseconds that an idle connection is kept: longer than browsers take between requests. */
const keepAliveTimeoutMs = 10_000;

/** How often Node looks for connections beyond their time, in milliseconds. */
const checkIntervalMs = 1_000;

/** Most headers of a request. */
const headersCountMax = 100;

/** Milliseconds for requests in flight when the server closes. */
const drainMsDefault = 10_000;

/**
 * Node's own limit for a whole request (300 s) would end honest uploads; they are watched by their
 * route, and no other route reads a body. So only headers and idle connections are timed here.
 */
function createGuardedServer(app: RequestListener, options: ServerOptions): Server {
  const headersTimeoutMs = options.headersTimeoutMs ?? headersTimeoutMsDefault;
  const server = createServer(
    {
      requestTimeout: 0,
      headersTimeout: headersTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(checkIntervalMs, headersTimeoutMs),
    },
    app,
  );
  server.maxHeadersCount = headersCountMax;
  server.maxConnections = options.connectionsMax ?? connectionsMaxDefault;
  // The upload route gives leave itself, once it knows from the headers that it wants the body.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });
  return server;
}

/** What is connected, and what is being answered on it. */
interface Traffic {
  /** Connection → the bytes that it had brought at the end of its last answer; 0 before the first. */
  readonly sockets: ReadonlyMap<Socket, number>;
  /** Response in flight → its connection. */
  readonly responses: ReadonlyMap<ServerResponse, Socket>;
}

/**
 * Node's own notion of an idle connection (`closeIdleConnections`) leaves out one that has not sent its first
 * request yet, and takes in one whose answer is written but not read to its end by its client.
 */
function trackTraffic(server: Server): Traffic {
  const sockets = new Map<Socket, number>();
  const responses = new Map<ServerResponse, Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.set(socket, 0);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    responses.set(response, socket);
    response.once('close', () => {
      responses.delete(response);
      if (sockets.has(socket)) sockets.set(socket, socket.bytesRead);
    });
  });
  return { sockets, responses };
}

/** Cuts the connections on which nothing is answered and no request has begun to come. */
function cutIdle({ sockets, responses }: Traffic): void {
  const busy = new Set(responses.values());
  for (const [socket, bytesRead] of sockets) {
    if (!busy.has(socket) && socket.bytesRead === bytesRead) socket.destroy();
  }
}

/** Lets each connection end behind the next answer on it. */
function closeBehindAnswers(server: Server): void {
  server.prependListener('request', (_request, response: ServerResponse) => {
    response.setHeader('Connection', 'close');
  });
}

async function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port }, resolve);
  await promise;
  server.off('error', reject);
}

function explainListenError(thrown: unknown, { host, port }: ServerOptions): Failure {
  const code = errorCodeOf(thrown);
  if (code === 'EADDRINUSE') {
    return failure(
      'resource',
      `Port ${port} on ${host} is taken by another program. ` +
        'Stop it, or choose another port with --port (REELGRAPH_PORT).',
    );
  }
  if (code === 'EACCES') {
    return failure(
      'resource',
      `This user may not listen on port ${port}. ` +
        'Choose one from 1024 on with --port (REELGRAPH_PORT).',
    );
  }
  const message = `Cannot listen on ${host}. Check the address given with --host (REELGRAPH_HOST).`;
  return failureFromThrown(thrown, 'resource', message);
}

function toUrl(server: Server, host: string): string {
  const address: AddressInfo | string | null = server.address();
  assert(address !== null && typeof address === 'object', 'a listening server has an address');
  return `http://${toUrlHost(host)}:${address.port}`;
}

function toUrlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

async function drainTraffic(server: Server, traffic: Traffic): Promise<void> {
  const { responses } = traffic;
  closeBehindAnswers(server);
  cutIdle(traffic);
  for (const response of responses.keys()) {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  }
  const changing = (): ServerResponse | undefined =>
    [...responses.keys()].find(({ req }) => req.method !== 'GET' && req.method !== 'HEAD');
  for (let response = changing(); response !== undefined; response = changing()) {
    await untilClosed(response);
  }
}

function untilClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', resolve));
}

async function closeServer(
  server: Server,
  traffic: Traffic,
  { clock = systemClock, drainMs = drainMsDefault }: ServerOptions,
): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  closeBehindAnswers(server);
  // `close` would call it, and cut answers that are still being read; see `trackTraffic`.
  server.closeIdleConnections = () => {};
  server.close(() => resolve());
  cutIdle(traffic);
  for (const [response, socket] of traffic.responses) endResponse(response, socket);
  const cancelCut = clock.after(drainMs, () => server.closeAllConnections());
  await closed;
  cancelCut();
}

/** An event stream would never end by itself; any other answer takes its connection with it. */
function endResponse(response: ServerResponse, socket: Socket): void {
  response.once('close', () => socket.destroySoon());
  const type = String(response.getHeader('Content-Type') ?? '');
  if (!response.headersSent) response.setHeader('Connection', 'close');
  else if (type.startsWith('text/event-stream')) response.end();
}
