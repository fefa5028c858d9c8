import { STATUS_CODES } from 'node:http';
import type { Failure, FailureCode } from '../base/failure.ts';

/** An error answer as RFC 9457 describes it. Clients switch on `code`; `detail` is for people. */
export interface Problem {
  /** Always `about:blank`: the status and `code` say what kind of problem it is. */
  readonly type: 'about:blank';
  /** The status as words. */
  readonly title: string;
  readonly status: number;
  /** What is wrong here and what to do, in a sentence or two. */
  readonly detail: string;
  readonly code: ProblemCode;
  /** Further headers of the answer, e.g. `Allow`; not part of the body. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The codes of failures, and those that only HTTP knows. */
export type ProblemCode =
  | FailureCode
  | 'method_not_allowed'
  | 'range_not_satisfiable'
  | 'too_many_requests'
  | 'unsupported_media_type';

/** The one table from failure to status. */
export const statusByFailureCode: Readonly<Record<FailureCode, number>> = {
  empty: 400,
  unsupported_format: 415,
  unsupported_codec: 415,
  truncated: 422,
  corrupt: 422,
  encrypted: 422,
  limit_pixels: 422,
  limit_duration: 422,
  limit_streams: 422,
  limit_size: 413,
  invalid_request: 400,
  not_found: 404,
  conflict: 409,
  idempotency_key_reused: 422,
  expired: 410,
  model_missing: 503,
  // A request that times out is one whose body came too slowly.
  timeout: 408,
  stalled: 408,
  lost: 500,
  resource: 503,
  storage: 507,
  invalid_output: 500,
  tool: 500,
  unavailable: 503,
  cancelled: 409,
  internal: 500,
};

/** Every failure code, for schemas; the compiler finds one that is missing where views are made. */
export const failureCodes = [
  'empty',
  'unsupported_format',
  'unsupported_codec',
  'truncated',
  'corrupt',
  'encrypted',
  'limit_pixels',
  'limit_duration',
  'limit_streams',
  'limit_size',
  'invalid_request',
  'not_found',
  'conflict',
  'idempotency_key_reused',
  'expired',
  'model_missing',
  'timeout',
  'stalled',
  'lost',
  'resource',
  'storage',
  'invalid_output',
  'tool',
  'unavailable',
  'cancelled',
  'internal',
] as const satisfies readonly FailureCode[];

/** The problem that tells a client of a failure: its message, never its operator's detail. */
export function toProblem(cause: Failure): Problem {
  const status = statusByFailureCode[cause.code];
  return makeProblem({ status, code: cause.code, detail: cause.message });
}

/** What a {@link Problem} is made of. */
export interface ProblemParts {
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes a problem. Busy and full answers (429, 503) say when to come back. */
export function makeProblem({ status, code, detail, headers = {} }: ProblemParts): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  const isPassing = status === 429 || status === 503;
  const retry = isPassing ? { 'Retry-After': String(retryAfterSec) } : {};
  return { type: 'about:blank', title, status, detail, code, headers: { ...retry, ...headers } };
}

/** Seconds after which a refused client may ask again: long enough for an upload or two to end. */
const retryAfterSec = 10;

/** The answer to whatever was not foreseen; the log has the rest. */
export const unexpectedProblem: Problem = makeProblem({
  status: 500,
  code: 'internal',
  detail: 'Something went wrong inside the service. The log of the service says what.',
});
