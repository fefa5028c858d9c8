import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { assert } from '../../src/base/assert.ts';

/** What the server does with one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of files on this machine. It answers well unless a test says otherwise. */
export class ModelServer implements AsyncDisposable {
  /** The requests so far: path, and the headers that matter to a download. */
  readonly requests: { path: string; range?: string; ifRange?: string }[] = [];
  readonly #server: Server;
  readonly #answers: Answer[] = [];
  #answer: Answer;

  private constructor(answer: Answer) {
    this.#answer = answer;
    this.#server = createServer((request, response) => {
      const { range, 'if-range': ifRange } = request.headers;
      this.requests.push({
        path: request.url ?? '',
        ...(range !== undefined && { range }),
        ...(typeof ifRange === 'string' && { ifRange }),
      });
      // A client that leaves early is no error of the server.
      response.on('error', () => {});
      const next = this.#answers.shift() ?? this.#answer;
      next(request, response);
    });
  }

  /** Starts on a free port; `answer` holds where no other is queued. */
  static async start(answer: Answer): Promise<ModelServer> {
    const server = new ModelServer(answer);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    assert(typeof address === 'object' && address !== null, 'the server listens on a port');
    return `http://127.0.0.1:${address.port}`;
  }

  /** The next requests are answered like this, one each. */
  queue(...answers: readonly Answer[]): void {
    this.#answers.push(...answers);
  }

  /** From now on requests are answered like this. */
  always(answer: Answer): void {
    this.#answer = answer;
  }

  /** Cuts every connection. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Serves content with ranges, `ETag` and `If-Range`, as file hosts do (RFC 9110 §13.1.5 and §14). */
export function serveFile(content: Buffer, etag = '"one"'): Answer {
  return (request, response) => {
    const start = startOf(request, etag);
    if (start > 0 && start >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    response.writeHead(start === 0 ? 200 : 206, headersFor(content, start, etag));
    response.end(content.subarray(start));
  };
}

/** Serves like {@link serveFile}, but falls silent after some bytes of the answer. */
export function stallAfter(content: Buffer, bytes: number, etag = '"one"'): Answer {
  return (request, response) => {
    const start = startOf(request, etag);
    response.writeHead(start === 0 ? 200 : 206, headersFor(content, start, etag));
    response.write(content.subarray(start, start + bytes));
  };
}

/** Serves all of the content whatever is asked for. */
export function ignoreRange(content: Buffer): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-length': content.length }).end(content);
  };
}

/** Answers with a status and a body of text. */
export function answerStatus(status: number, contentType = 'text/plain'): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': contentType }).end('An answer.');
  };
}

/** Sends the client elsewhere. */
export function redirectTo(location: string): Answer {
  return (_request, response) => void response.writeHead(302, { location }).end();
}

function startOf({ headers }: IncomingMessage, etag: string): number {
  const isSame = headers['if-range'] === undefined || headers['if-range'] === etag;
  const range = /^bytes=(\d+)-$/.exec(headers.range ?? '');
  return isSame ? Number(range?.[1] ?? 0) : 0;
}

function headersFor(content: Buffer, start: number, etag: string): Record<string, string | number> {
  const range = `bytes ${start}-${content.length - 1}/${content.length}`;
  return {
    etag,
    'content-type': 'application/octet-stream',
    'content-length': content.length - start,
    ...(start > 0 && { 'content-range': range }),
  };
}
