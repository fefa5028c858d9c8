import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';

/** One file to download, and how the caller follows it. */
export interface Download {
  readonly url: URL;
  /** The size that the file must have. */
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Called with the bytes on disk, of all attempts together; fewer than before after a start from zero. */
  onProgress(bytesDone: number): void;
}

/** Why an attempt ended early. */
export interface Interruption {
  readonly failure: Failure;
  /** Whether another attempt may go on from what is there. */
  readonly isPassing: boolean;
}

/** Silence of a server that is waited out, in milliseconds; slow links pause, but not for a minute. */
export const stallMs = 60_000;

/**
 * Downloads one file in attempts, each of which goes on where the last one ended: the part file holds
 * what is there, `Range` asks for the rest and `If-Range` for the rest of the same file. A server that
 * does not know ranges sends all of it again. Redirects are followed, never from https to http.
 */
export class ModelDownload {
  readonly #part: FileHandle;
  readonly #download: Download;
  /** The strong entity tag of what the part holds, where a server gave one to this process. */
  #entityTag: string | undefined;
  #hasResponded = false;

  /** The part file is open for appending; it stays the caller's. */
  constructor(part: FileHandle, download: Download) {
    this.#part = part;
    this.#download = download;
  }

  /**
   * One request. Succeeds when the part file has its full size; its content is not checked. Failures:
   * `cancelled`, `stalled`, `lost` (the connection), `not_found`, `unavailable` (the server refuses),
   * `invalid_output` (it sends something else), `storage`, `resource` (the disk is full).
   */
  async attempt(): Promise<Result<void, Interruption>> {
    const { url, signal, clock } = this.#download;
    const watch = new StallWatch(clock);
    try {
      const { size } = await this.#part.stat();
      const response = await fetch(url, {
        headers: requestHeaders(size, this.#entityTag),
        signal: AbortSignal.any([signal, watch.signal]),
      });
      this.#hasResponded = true;
      const start = this.#judge(response, size);
      if (start.ok) return await this.#save(response, { size, start: start.value, watch });
      await response.body?.cancel();
      // The next attempt starts from zero, where the server disagrees about what there is.
      if (response.status === 416) await this.#part.truncate(0);
      return start;
    } catch (thrown) {
      if (signal.aborted) return err({ failure: cancelled(), isPassing: false });
      if (watch.signal.aborted) return err({ failure: stalled(), isPassing: true });
      return err(this.#toInterruption(thrown));
    } finally {
      watch.stop();
    }
  }

  /** Where the bytes of the answer belong in the file, or why it cannot be used. */
  #judge(response: Response, size: number): Result<number, Interruption> {
    const { bytes, url } = this.#download;
    if (isDowngrade(url.href, response.url)) {
      return refuse('The server redirects to an address without encryption.', response.url);
    }
    if (!response.ok) return err(statusInterruption(response, size));
    if (response.headers.get('content-type')?.startsWith('text/html') === true) {
      const message =
        'The server answered with a web page instead of the model: a proxy or a sign-in page may be in between.';
      return refuse(message, response.url);
    }
    const { start, total } = contentRange(response);
    if (total !== undefined && total !== bytes) {
      const message = `The server has a file of ${formatBytes(total)}, but the published model has ${formatBytes(bytes)}.`;
      return refuse(message, `${response.url}: ${total} bytes instead of ${bytes}`);
    }
    if (start !== 0 && start !== size) {
      return refuse('The server sent another part of the file than was asked for.', response.url);
    }
    return ok(start);
  }

  async #save(
    response: Response,
    { size, start, watch }: { size: number; start: number; watch: StallWatch },
  ): Promise<Result<void, Interruption>> {
    const { bytes } = this.#download;
    const tag = response.headers.get('etag');
    this.#entityTag = tag?.startsWith('"') === true ? tag : undefined;
    if (start !== size) await this.#part.truncate(start);
    let done = start;
    this.#download.onProgress(done);
    for await (const chunk of response.body ?? []) {
      watch.touch();
      done += chunk.byteLength;
      if (done > bytes) {
        await this.#part.truncate(0);
        return refuse('The server sent more than the published model has.', response.url);
      }
      await this.#part.appendFile(chunk);
      this.#download.onProgress(done);
    }
    return done === bytes ? ok(undefined) : err({ failure: lost(response.url), isPassing: true });
  }

  #toInterruption(thrown: unknown): Interruption {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
    const detail = `${this.#download.url.href}: ${String(cause)}`;
    // `fetch` reports everything about the connection as a TypeError; the rest comes from the file.
    if (!(thrown instanceof TypeError)) {
      return { failure: fileFailure(thrown), isPassing: false };
    }
    if (this.#hasResponded) return { failure: lost(detail), isPassing: true };
    const message = `The server ${this.#download.url.host} cannot be reached. Is there a network? Behind a proxy, set HTTPS_PROXY and NODE_USE_ENV_PROXY=1.`;
    return { failure: failure('lost', message, detail), isPassing: false };
  }
}

/** Whether redirects led from an encrypted address to one that is not. */
export function isDowngrade(asked: string, answered: string): boolean {
  return asked.startsWith('https:') && !answered.startsWith('https:');
}

/** What a failed operation on the part file means. */
export function fileFailure(thrown: unknown): Failure {
  const detail = String(thrown);
  if (thrown instanceof Error && 'code' in thrown) {
    const isFull = thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT';
    if (isFull) return failure('resource', 'The disk is full. Make room and run it again.', detail);
  }
  return failure('storage', 'The model cannot be written to its directory.', detail);
}

/** The failure of a fetch that somebody ended. */
export function cancelled(): Failure {
  return failure('cancelled', 'The fetch was interrupted; the next one goes on from here.');
}

/** Aborts its signal when the other side is silent for {@link stallMs}. */
class StallWatch {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  #cancelTimer: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.touch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came. */
  touch(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(stallMs, () => this.#controller.abort());
  }

  stop(): void {
    this.#cancelTimer();
  }
}

function requestHeaders(size: number, entityTag: string | undefined): Record<string, string> {
  return {
    // The bytes are counted and hashed as they are on the server.
    'accept-encoding': 'identity',
    ...(size > 0 && { range: `bytes=${size}-` }),
    ...(size > 0 && entityTag !== undefined && { 'if-range': entityTag }),
  };
}

/** `Content-Range: bytes 10-99/100` (RFC 9110 §14.4), or what an answer without it means. */
function contentRange({ status, headers }: Response): { start: number; total: number | undefined } {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (status === 206 && range !== null) {
    return { start: Number(range[1]), total: range[2] === '*' ? undefined : Number(range[2]) };
  }
  const length = headers.get('content-length');
  return { start: 0, total: length === null ? undefined : Number(length) };
}

/** Refusals by status that pass by themselves: too slow, too many requests (RFC 9110 §15, RFC 6585). */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

function statusInterruption({ status, url }: Response, size: number): Interruption {
  const detail = `HTTP ${status} from ${url}`;
  if (status === 416) {
    const message = 'The server does not have the rest of the file.';
    return { failure: failure('unavailable', message, detail), isPassing: size > 0 };
  }
  if (status === 404 || status === 410) {
    const message = 'The server does not have this model. Is `modelsUrl` a mirror of Hugging Face?';
    return { failure: failure('not_found', message, detail), isPassing: false };
  }
  const isPassing = status >= 500 || passingStatuses.has(status);
  const message = isPassing
    ? `The server is busy or out of order (HTTP ${status}).`
    : `The server refuses to send the model (HTTP ${status}).`;
  return { failure: failure('unavailable', message, detail), isPassing };
}

function refuse(message: string, detail: string): Result<never, Interruption> {
  return err({ failure: failure('invalid_output', message, detail), isPassing: false });
}

function stalled(): Failure {
  return failure('stalled', `The server has sent nothing for ${stallMs / 1000} seconds.`);
}

function lost(detail: string): Failure {
  return failure('lost', 'The connection broke off.', detail);
}
