/**
 * Stops on a programmer error. Never used for bad input, which is a {@link Failure}.
 *
 * @throws Error when `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Internal error: ${message}`);
}

/** The value, or a programmer error when it is absent. */
export function required<Value>(value: Value | undefined | null, what: string): Value {
  assert(value !== undefined && value !== null, `${what} is missing`);
  return value;
}

/** Ends an exhaustive `switch`: the compiler refuses it while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`Internal error: unexpected value ${JSON.stringify(value)}`);
}
