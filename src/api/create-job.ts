import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { Failure } from '../base/failure.ts';
import { newJobId } from '../base/ids.ts';
import { err, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import type { SubmitRequest } from '../jobs/job-service.ts';
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
import { JobOptionsReader, quote, type JobOptions } from './job-options.ts';
import { jobPath, toJobView } from './job-view.ts';
import { makeProblem, type Problem } from './problem.ts';
import { formOverheadBytesMax, readUploadForm, type UploadFormOptions } from './upload-form.ts';
import { UploadGuard } from './upload-guard.ts';

/**
 * `POST /v1/jobs`: takes a film in, as a form or as the body itself, and makes a job of it. The film
 * goes to disk as it comes; 201 means that it and the job are durable.
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
  const created = await receiveJob(options, exchange);
  if (!created.ok) {
    sendFailure(exchange, created.error);
    return;
  }
  const job = created.value;
  const { id, plan } = job.state;
  options.logger.info({ jobId: id, pipeline: plan.pipeline, bytes: job.upload.bytes }, 'job made');
  const baseUrl = options.baseUrl ?? '';
  exchange.response.location(`${baseUrl}${jobPath(id)}`);
  sendJson(exchange, 201, toJobView({ job, progress: new Map() }, baseUrl));
}

async function receiveJob(
  options: ApiOptions,
  exchange: Exchange,
): Promise<Result<StoredJob, Failure>> {
  const { request } = exchange;
  const reader = new JobOptionsReader(options.pipelines.map(({ name }) => name));
  const query = reader.readQuery(queryOf(request));
  if (!query.ok) return query;
  const jobId = newJobId();
  const received = await receiveBody(options, exchange, { jobId, reader });
  const submitted = received.ok
    ? await options.service.submit(toSubmit(jobId, received.value, reader.options))
    : received;
  // A file may be whole on disk although its form was refused in the end.
  if (!submitted.ok) await discard(options, jobId);
  return submitted;
}

/** The name is taken last, because the field may come behind the file. */
function toSubmit(jobId: string, upload: Upload, options: JobOptions): SubmitRequest {
  const { pipeline, params, priority, name } = options;
  const named = name === undefined ? upload : { ...upload, name: toLabel(name) };
  return { jobId, upload: named, pipeline, params, priority };
}

/** Reads the body under guard; afterwards nothing of the request is read or watched any more. */
async function receiveBody(
  { intake, limits }: ApiOptions,
  exchange: Exchange,
  { jobId, reader }: { readonly jobId: string; readonly reader: JobOptionsReader },
): Promise<Result<Upload, Failure>> {
  const { request } = exchange;
  const bytesMax = limits.uploadBytesMax;
  const announced = announcedBytes(request);
  const expected = announced === undefined ? {} : { bytesExpected: announced };
  const guard = new UploadGuard(exchange, bytesMax + formOverheadBytesMax);
  const receive: UploadFormOptions['receive'] = (file, name, signal) =>
    intake.receive(file, { jobId, name, bytesMax, ...expected, signal });
  startBody(exchange);
  try {
    const received = isForm(request)
      ? await readUploadForm(request, { options: reader, signal: guard.signal, receive })
      : await receive(request, '', guard.signal);
    return guard.cause === undefined ? received : err(guard.cause);
  } finally {
    guard.finish();
  }
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
