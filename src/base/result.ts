/** The outcome of an operation whose failure is expected: a value, or a typed failure. */
export type Result<Value, Failed> = Ok<Value> | Err<Failed>;

/** The success side of a {@link Result}. */
export interface Ok<Value> {
  readonly ok: true;
  readonly value: Value;
}

/** The failure side of a {@link Result}. */
export interface Err<Failed> {
  readonly ok: false;
  readonly error: Failed;
}

/** Wraps a value as success. */
export function ok<Value>(value: Value): Ok<Value> {
  return { ok: true, value };
}

/** Wraps a failure. */
export function err<Failed>(error: Failed): Err<Failed> {
  return { ok: false, error };
}
