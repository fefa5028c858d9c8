import type { Request, RequestHandler } from 'express';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { JobUpdate } from '../jobs/job-service.ts';
import { isTerminalJob } from '../scheduler/job-state.ts';
import type { ApiOptions } from './api-options.ts';
import { formatEvent, toEventView } from './event-view.ts';
import { pathParameter, queryOf, sendFailure, sendProblem, type Exchange } from './exchange.ts';
import { quote } from './job-options.ts';
import { makeProblem, type Problem } from './problem.ts';

/**
 * `GET /v1/jobs/:id/events`: what happens to a job as server-sent events, from its beginning or behind
 * the event that `Last-Event-ID` (or `?after=`) names, to its end.
 *
 * Updates are pulled one at a time, and only while the client takes them: a slow reader costs one
 * socket buffer, and one that takes nothing for {@link stallMs} is cut. It can resume.
 */
export function eventsRoute(options: ApiOptions): RequestHandler {
  const streamsMax = options.limits.eventStreamsMax ?? eventStreamsMaxDefault;
  let streams = 0;
  return async (request, response) => {
    const exchange: Exchange = { ...options, request, response };
    if (streams >= streamsMax) {
      sendProblem(exchange, tooManyStreams(streamsMax));
      return;
    }
    streams += 1;
    try {
      await answer(options, exchange);
    } finally {
      streams -= 1;
    }
  };
}

/** Event streams at once: a connection and a place in the service each. */
const eventStreamsMaxDefault = 256;

/** How often a quiet stream says that it lives, in milliseconds: proxies cut silent ones after 30–60 s. */
const heartbeatMs = 15_000;

/** How long a reader may take nothing before it is cut, in milliseconds. */
const stallMs = 60_000;

/** How long a client waits before it connects again, in milliseconds. */
const retryMs = 2_000;

async function answer({ service }: ApiOptions, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const jobId = pathParameter(request, 'id');
  const after = parseAfter(request);
  if (!after.ok) {
    sendFailure(exchange, after.error);
    return;
  }
  const snapshot = await service.get(jobId);
  if (!snapshot.ok) {
    sendFailure(exchange, snapshot.error);
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  if (response.destroyed) return;
  const updates = service.follow(jobId, after.value, gone.signal)[Symbol.asyncIterator]();
  const stream = new EventStream(exchange, updates);
  await stream.run({ hasEnded: isTerminalJob(snapshot.value.job.state.phase) });
}

/** One client following one job. */
class EventStream {
  readonly #exchange: Exchange;
  readonly #updates: AsyncIterator<JobUpdate>;
  #cancelHeartbeat: () => void = () => {};

  constructor(exchange: Exchange, updates: AsyncIterator<JobUpdate>) {
    this.#exchange = exchange;
    this.#updates = updates;
  }

  /** The client is gone, or the server is closing and has ended the answer. */
  get #isOver(): boolean {
    const { response } = this.#exchange;
    return response.destroyed || response.writableEnded;
  }

  async run({ hasEnded }: { readonly hasEnded: boolean }): Promise<void> {
    const { request, response, logger } = this.#exchange;
    try {
      if (request.method === 'HEAD') this.#open();
      else await this.#copy(hasEnded);
      response.end();
    } catch (thrown) {
      if (response.destroyed) return;
      logger.error({ path: request.path, error: String(thrown) }, 'An event stream broke off.');
      response.destroy();
    } finally {
      this.#cancelHeartbeat();
      await this.#updates.return?.();
    }
  }

  /**
   * A browser connects again after every end. When the job has ended and nothing is left to tell, 204
   * makes it stop (HTML standard, §9.2.3).
   */
  async #copy(hasEnded: boolean): Promise<void> {
    const { response } = this.#exchange;
    const first = hasEnded ? await this.#updates.next() : undefined;
    if (first?.done === true) {
      response.status(204).set('Cache-Control', 'no-store');
      return;
    }
    this.#open();
    response.write(`retry: ${retryMs}\n\n`);
    this.#scheduleHeartbeat();
    if (first !== undefined) await this.#send(first.value);
    while (!this.#isOver) {
      const next = await this.#updates.next();
      if (next.done === true) return;
      await this.#send(next.value);
    }
  }

  #open(): void {
    this.#exchange.response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Asks nginx, the one proxy that buffers by default, not to.
      'X-Accel-Buffering': 'no',
    });
    this.#exchange.response.flushHeaders();
  }

  async #send(update: JobUpdate): Promise<void> {
    const { response } = this.#exchange;
    if (this.#isOver || response.write(formatEvent(toEventView(update)))) return;
    await this.#drained();
  }

  /** Resolves when the client has taken what was written, or is gone, or is cut for standing still. */
  async #drained(): Promise<void> {
    const { response, clock } = this.#exchange;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancelStall = clock.after(stallMs, () => response.destroy());
    response.once('drain', resolve);
    response.once('close', resolve);
    if (response.destroyed) resolve();
    await promise;
    cancelStall();
    response.off('drain', resolve);
    response.off('close', resolve);
  }

  #scheduleHeartbeat(): void {
    const { response, clock } = this.#exchange;
    this.#cancelHeartbeat = clock.after(heartbeatMs, () => {
      if (!response.writableNeedDrain && !this.#isOver) response.write(': alive\n\n');
      this.#scheduleHeartbeat();
    });
  }
}

/** The header wins: a browser that connects again sends it along with the address it was given. */
function parseAfter(request: Request): Result<number, Failure> {
  const query = queryOf(request).get('after');
  const text = request.get('Last-Event-ID') ?? query ?? '0';
  if (/^\d{1,15}$/.test(text)) return ok(Number(text));
  const message = `An event's id is a whole number, not ${quote(text)}.`;
  return err(failure('invalid_request', message));
}

function tooManyStreams(streamsMax: number): Problem {
  const detail = `${streamsMax} event streams are open already, the most here. Try again later.`;
  return makeProblem({ status: 429, code: 'too_many_requests', detail });
}
