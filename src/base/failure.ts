/**
 * Why something that may fail did fail. One closed list, stable in the API: clients switch on it.
 *
 * - `empty … limit_size`: the upload's fault; sending the same bytes again fails again.
 * - `invalid_request`, `not_found`, `conflict`, `idempotency_key_reused`: the request's fault.
 * - `expired`: what was asked for is past its retention and was removed.
 * - `model_missing`: the operator has to fetch a speech model.
 * - `timeout`, `stalled`, `lost`, `resource`, `storage`: the circumstances' fault.
 * - `invalid_output`: a tool ended well, but what it made does not hold what it should.
 * - `tool`: a tool (ffmpeg, whisper) ended badly for a reason that no other code names.
 * - `unavailable`: the service is stopping or full.
 * - `cancelled`: somebody asked for it. `internal`: a bug.
 */
export type FailureCode =
  | 'empty'
  | 'unsupported_format'
  | 'unsupported_codec'
  | 'truncated'
  | 'corrupt'
  | 'encrypted'
  | 'limit_pixels'
  | 'limit_duration'
  | 'limit_streams'
  | 'limit_size'
  | 'invalid_request'
  | 'not_found'
  | 'conflict'
  | 'idempotency_key_reused'
  | 'expired'
  | 'model_missing'
  | 'timeout'
  | 'stalled'
  | 'lost'
  | 'resource'
  | 'storage'
  | 'invalid_output'
  | 'tool'
  | 'unavailable'
  | 'cancelled'
  | 'internal';

/** An expected failure, as data: it is stored with the job and travels to clients and logs. */
export interface Failure {
  readonly code: FailureCode;
  /** A sentence or two for the person who uploaded: what is wrong and what to do. No paths, no argv. */
  readonly message: string;
  /** For the operator only, never sent to clients: the command as text, exit, last stderr lines. */
  readonly operatorDetail?: string;
}

/** Makes a {@link Failure}. */
export function failure(code: FailureCode, message: string, operatorDetail?: string): Failure {
  return operatorDetail === undefined ? { code, message } : { code, message, operatorDetail };
}

/** Wraps a foreign throw, caught once at an adapter's edge, as an `internal` (or given) failure. */
export function failureFromThrown(thrown: unknown, code: FailureCode, message: string): Failure {
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return failure(code, message, detail);
}
