import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { failure, type Failure } from '../base/failure.ts';
import { newJobId } from '../base/ids.ts';
import { err, ok, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import type { SubmitRequest } from '../jobs/job-service.ts';
import { deletedMeanwhile, keyReused } from '../jobs/submit-job.ts';
import type { UploadDigest } from '../storage/intake.ts';
import { toLabel } from '../storage/label.ts';
import type { StoredJob, Upload } from '../store/store.ts';
import type { ApiOptions } from './api-options.ts';
import {
  queryOf,
  sendFailure,
  sendJson,
  sendProblem,
  startBody,
  type Exchange,
} from './exchange.ts';
import { parseIdempotencyKey, parseSha256Digest, recognize } from './idempotency.ts';
import { JobOptionsReader, quote } from './job-options.ts';
import { jobPath, toJobView } from './job-view.ts';
import { makeProblem, type Problem } from './problem.ts';
import { formOverheadBytesMax, readUploadForm, type UploadFormOptions } from './upload-form.ts';
import { UploadGuard } from './upload-guard.ts';

/**
 * `POST /v1/jobs`: takes a film in, as a form or as the body itself, and makes a job of it. The film
 * goes to disk as it comes; 201 means that it and the job are durable. A request that is sent again with
 * its `Idempotency-Key` is answered with the job that it made, and 200.
 */
export function createJobRoute(options: ApiOptions): RequestHandler {
  const uploadsMax = options.limits.uploadsMax ?? uploadsMaxDefault;
  let uploads = 0;
  return async (request, response) => {
    const exchange: Exchange = { ...options, request, response };
    const refusal =
      uploads < uploadsMax
        ? (refuseByHeaders(request, options) ?? refuseByState(options))
        : tooManyUploads(uploadsMax);
    if (refusal !== undefined) {
      sendProblem(exchange, refusal);
      return;
    }
    uploads += 1;
    try {
      await takeJob(options, exchange);
    } finally {
      uploads -= 1;
    }
  };
}

/** Uploads at once: each costs a file, a connection and about a mebibyte. */
const uploadsMaxDefault = 64;

async function takeJob(options: ApiOptions, exchange: Exchange): Promise<void> {
  const taken = await receiveJob(options, exchange);
  if (!taken.ok) {
    sendFailure(exchange, taken.error);
    return;
  }
  const { job, isReplay } = taken.value;
  const { id, plan } = job.state;
  const what = isReplay ? 'job asked for again' : 'job made';
  options.logger.info({ jobId: id, pipeline: plan.pipeline, bytes: job.upload.bytes }, what);
  const { baseUrl = '', retention } = options;
  exchange.response.location(`${baseUrl}${jobPath(id)}`);
  if (isReplay) exchange.response.set('Idempotency-Replayed', 'true');
  const view = toJobView({ job, progress: new Map() }, baseUrl, retention);
  sendJson(exchange, isReplay ? 200 : 201, view);
}

/** The answer to a request that went well. */
interface TakenJob {
  readonly job: StoredJob;
  /** Whether an earlier request with the same key made it. */
  readonly isReplay: boolean;
}

/** A request that may become a job, once its query and headers are read. */
interface Intent {
  /** The id of the job to be. */
  readonly jobId: string;
  readonly reader: JobOptionsReader;
  readonly idempotencyKey: string | undefined;
}

async function receiveJob(
  options: ApiOptions,
  exchange: Exchange,
): Promise<Result<TakenJob, Failure>> {
  const { request } = exchange;
  const reader = new JobOptionsReader(options.pipelines.map(({ name }) => name));
  const query = reader.readQuery(queryOf(request));
  if (!query.ok) return query;
  const key = parseIdempotencyKey(request.headers);
  if (!key.ok) return key;
  const intent = { jobId: newJobId(), reader, idempotencyKey: key.value };
  const replayed = await replay(options, exchange, intent);
  if (replayed !== undefined) return replayed;
  const submitted = await makeJob(options, exchange, intent);
  // A file may be whole on disk although its form was refused in the end, or its job is there already.
  const isMade = submitted.ok && submitted.value.state.id === intent.jobId;
  if (!isMade) await discard(options, intent.jobId);
  return submitted.ok ? ok({ job: submitted.value, isReplay: !isMade }) : submitted;
}

async function makeJob(
  options: ApiOptions,
  exchange: Exchange,
  intent: Intent,
): Promise<Result<StoredJob, Failure>> {
  const { intake, service } = options;
  const admitted = await intake.admit(intent.jobId, announcedBytes(exchange.request));
  if (!admitted.ok) return admitted;
  const received = await receiveUpload(options, exchange, intent);
  return received.ok ? service.submit(toSubmit(intent, received.value)) : received;
}

/** The name is taken last, because the field may come behind the file. */
function toSubmit({ jobId, reader, idempotencyKey }: Intent, upload: Upload): SubmitRequest {
  const { name, ...options } = reader.options;
  const named = name === undefined ? upload : { ...upload, name: toLabel(name) };
  return {
    ...options,
    jobId,
    upload: named,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

/**
 * Answers a request whose key is known, as early as that is right: by its headers alone where they say
 * enough, else by its body, of which nothing is kept. Undefined where a job has to be made. A form is always
 * read as if it were new, because its fields may come behind its film, and among them the tenant.
 */
async function replay(
  options: ApiOptions,
  exchange: Exchange,
  { reader, idempotencyKey: key }: Intent,
): Promise<Result<TakenJob, Failure> | undefined> {
  const { request } = exchange;
  if (key === undefined || isForm(request)) return undefined;
  const found = await options.service.findByKey({ key, tenant: reader.options.tenant });
  if (!found.ok) return found;
  const known = found.value;
  if (known === undefined) return undefined;
  const head = {
    options: reader.options,
    bytes: announcedBytes(request),
    sha256: parseSha256Digest(request.headers),
  };
  const sight = recognize(known, head);
  if (sight === 'other') return err(keyReused());
  if (sight === 'same') return ok({ job: known.job, isReplay: true });
  const measured = await measureBody(options, exchange);
  if (!measured.ok) return measured;
  const { sha256 } = known.job.upload;
  if (measured.value.sha256 !== sha256) return err(keyReused());
  const current = await options.service.get(known.job.state.id);
  if (current.ok) return ok({ job: current.value.job, isReplay: true });
  return err(current.error.code === 'not_found' ? deletedMeanwhile() : current.error);
}

function measureBody(
  { intake, limits }: ApiOptions,
  exchange: Exchange,
): Promise<Result<UploadDigest, Failure>> {
  const bytesMax = limits.uploadBytesMax;
  return readBody(exchange, bytesMax, (signal) =>
    intake.measure(exchange.request, { bytesMax, signal }),
  );
}

async function receiveUpload(
  { intake, limits }: ApiOptions,
  exchange: Exchange,
  { jobId, reader }: Intent,
): Promise<Result<Upload, Failure>> {
  const { request } = exchange;
  const bytesMax = limits.uploadBytesMax;
  const announced = announcedBytes(request);
  const expected = announced === undefined ? {} : { bytesExpected: announced };
  const receive: UploadFormOptions['receive'] = (file, name, signal) =>
    intake.receive(file, { jobId, name, bytesMax, ...expected, signal });
  const received = await readBody(exchange, bytesMax, (signal) =>
    isForm(request)
      ? readUploadForm(request, { options: reader, signal, receive })
      : receive(request, '', signal),
  );
  const stated = isForm(request) ? undefined : parseSha256Digest(request.headers);
  const isAsStated = !received.ok || stated === undefined || stated === received.value.sha256;
  return isAsStated ? received : err(damagedBody());
}

/** Reads the body under guard; afterwards nothing of the request is read or watched any more. */
async function readBody<Value>(
  exchange: Exchange,
  bytesMax: number,
  read: (signal: AbortSignal) => Promise<Result<Value, Failure>>,
): Promise<Result<Value, Failure>> {
  const guard = new UploadGuard(exchange, bytesMax + formOverheadBytesMax);
  startBody(exchange);
  try {
    const received = await read(guard.signal);
    return guard.cause === undefined ? received : err(guard.cause);
  } finally {
    guard.finish();
  }
}

function damagedBody(): Failure {
  return failure('invalid_request', 'The film that came is not the one of the stated digest.');
}

async function discard({ intake, logger }: ApiOptions, jobId: string): Promise<void> {
  const discarded = await intake.discard(jobId);
  if (discarded.ok) return;
  logger.warn({ jobId, operatorDetail: discarded.error.operatorDetail }, discarded.error.message);
}

/** What the headers alone show to be hopeless, before a byte of the body is read. */
function refuseByHeaders(request: IncomingMessage, { limits }: ApiOptions): Problem | undefined {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    return unsupported(`The body is ${quote(encoding)}-encoded; send the film as it is.`);
  }
  const type = mediaType(request);
  if (type === 'application/json' || type.endsWith('+json')) return unsupported(howToSend('JSON'));
  if (type.startsWith('multipart/') && !isForm(request)) return unsupported(howToSend(type));
  const bytesMax = limits.uploadBytesMax + (isForm(request) ? formOverheadBytesMax : 0);
  return (announcedBytes(request) ?? 0) > bytesMax ? tooLarge(limits.uploadBytesMax) : undefined;
}

/** What the service cannot take now, whatever it is. */
function refuseByState({ admission }: ApiOptions): Problem | undefined {
  const admitted = admission();
  if (admitted.ok) return undefined;
  return makeProblem({ status: 503, code: 'unavailable', detail: admitted.error.message });
}

function mediaType({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase();
}

function isForm(request: IncomingMessage): boolean {
  return mediaType(request) === 'multipart/form-data';
}

function announcedBytes({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

function howToSend(type: string): string {
  return (
    `A job needs a film, not ${quote(type)}. Send it as a form with a part called "file" ` +
    '(curl -F file=@film.mp4) or as the body itself (curl --data-binary @film.mp4).'
  );
}

function unsupported(detail: string): Problem {
  return makeProblem({ status: 415, code: 'unsupported_media_type', detail });
}

function tooLarge(bytesMax: number): Problem {
  const detail = `The file is larger than ${formatBytes(bytesMax)}, the limit here.`;
  return makeProblem({ status: 413, code: 'limit_size', detail });
}

function tooManyUploads(uploadsMax: number): Problem {
  const detail = `${uploadsMax} uploads are running already, the most here. Try again later.`;
  return makeProblem({ status: 429, code: 'too_many_requests', detail });
}
