import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as sendRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from '../../../src/api/api.ts';
import type { ApiLimits, ApiOptions } from '../../../src/api/api-options.ts';
import { jobSchema, problemSchema } from '../../../src/api/schema.ts';
import { startServer, type ServerOptions } from '../../../src/api/server.ts';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { silentLogger, type Logger } from '../../../src/base/logger.ts';
import { ok } from '../../../src/base/result.ts';
import { createIntake } from '../../../src/storage/intake.ts';
import { FakeJobService } from '../../fakes/fake-job-service.ts';
import { planOf } from '../../fakes/plans.ts';

/** What a test changes of the default rig. */
export interface RigOptions {
  readonly limits?: Partial<ApiLimits>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly admission?: ApiOptions['admission'];
  readonly changes?: ApiOptions['changes'];
  readonly readiness?: ApiOptions['readiness'];
  readonly server?: Partial<ServerOptions>;
  readonly retention?: ApiOptions['retention'];
}

/** A small graph under the name of the default pipeline. */
const plan = { ...planOf('validate; encode:validate; publish:encode'), pipeline: 'standard' };

/** The API over a real socket and a real directory, with a job service in memory. */
export class ApiRig implements AsyncDisposable {
  readonly service: FakeJobService;
  readonly directory: string;
  readonly url: string;
  readonly port: number;
  readonly #closeIntake: () => Promise<void>;
  /** Stops the server alone. */
  readonly closeServer: () => Promise<void>;

  private constructor(service: FakeJobService, directory: string, started: Started) {
    this.service = service;
    this.directory = directory;
    this.url = started.url;
    this.port = Number(new URL(started.url).port);
    this.closeServer = started.closeServer;
    this.#closeIntake = started.closeIntake;
  }

  static async start(options: RigOptions = {}): Promise<ApiRig> {
    const directory = await mkdtemp(join(tmpdir(), 'reelgraph-api-'));
    const service = new FakeJobService([plan, { ...plan, pipeline: 'audio' }]);
    const intake = createIntake(directory);
    const { clock = systemClock, logger = silentLogger } = options;
    const app = createApi({
      service,
      intake,
      pipelines: ['standard', 'audio'].map((name) => ({
        name,
        description: `The ${name} one.`,
        nodes: plan.nodes.map(({ id, kind, needs }) => ({ id, kind, needs: [...needs] })),
      })),
      limits: { uploadBytesMax: 1_000_000, ...options.limits },
      logger,
      admission: options.admission ?? (() => ok(undefined)),
      changes: options.changes ?? (() => ok(undefined)),
      readiness: options.readiness ?? (() => ok(undefined)),
      clock,
      ...(options.retention !== undefined && { retention: options.retention }),
    });
    const started = await startServer(app, {
      host: '127.0.0.1',
      port: 0,
      clock,
      ...options.server,
    });
    if (!started.ok) throw new Error(started.error.message);
    const { url } = started.value;
    const closeServer = (): Promise<void> => started.value.close();
    const closeIntake = (): Promise<void> => intake.close();
    return new ApiRig(service, directory, { url, closeServer, closeIntake });
  }

  /** Stops the server as the service does, and keeps the directory to look at. */
  async stop(): Promise<void> {
    await Promise.all([this.closeServer(), this.#closeIntake()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The ids under `incoming/`: whole uploads and whatever was left behind. */
  async incoming(): Promise<readonly string[]> {
    return readdir(join(this.directory, 'incoming')).catch(() => []);
  }

  /** Makes a job from a few bytes and gives its id. */
  async makeJob(content: Uint8Array = Buffer.from('film'), query = ''): Promise<string> {
    const answer = await this.send({ method: 'POST', path: `/v1/jobs${query}` }, content);
    return jobSchema.parse(JSON.parse(answer.text)).id;
  }

  /** One request on a connection of its own, with exactly these headers. */
  async send(options: RequestOptions, body?: Uint8Array | string): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const request = sendRequest(
      { host: '127.0.0.1', port: this.port, agent: false, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const content = Buffer.concat(chunks);
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, content, text: content.toString() });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
    return promise;
  }

  /** A bare connection. */
  async dial(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }
}

interface Started {
  readonly url: string;
  readonly closeServer: () => Promise<void>;
  readonly closeIntake: () => Promise<void>;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly content: Buffer;
  readonly text: string;
}

/** Checks that an answer is a problem with this status and code, and gives its sentence. */
export function problemDetail(answer: Answer, status: number, code: string): string {
  const type = answer.headers['content-type'];
  if (type !== 'application/problem+json') throw new Error(`${type}: ${answer.text}`);
  const problem = problemSchema.parse(JSON.parse(answer.text));
  if (problem.status !== status || answer.status !== status || problem.code !== code) {
    throw new Error(`${answer.status}, not ${status} ${code}: ${answer.text}`);
  }
  return problem.detail;
}

/** Reads a connection to its end. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/** Resolves with the next event of that name; errors do not count. */
export async function once(emitter: NodeJS.EventEmitter, name: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  emitter.once(name, () => resolve());
  await promise;
}

/**
 * Waits until something outside the test's reach (a file system, a socket's other end) has come about:
 * looks again whenever the event loop has gone round, and gives up after ten seconds.
 */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('It did not come about in ten seconds.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A part of a form. */
export interface FormPart {
  /** The whole value of `Content-Disposition` behind `form-data; `. */
  readonly disposition: string;
  readonly type?: string;
  readonly body: string | Uint8Array;
}

/** The boundary of every test form. */
const boundary = '----form-boundary-7MA4YWxk';

/** The header that goes with {@link formBody}. */
export const formType = `multipart/form-data; boundary=${boundary}`;

/** A form, byte by byte as written. */
export function formBody(parts: readonly FormPart[]): Buffer {
  const pieces = parts.flatMap(({ disposition, type, body }) => [
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n`,
    type === undefined ? '' : `Content-Type: ${type}\r\n`,
    '\r\n',
    body,
    '\r\n',
  ]);
  return Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
}
