import type { Failure } from '../base/failure.ts';

/**
 * Thrown by every call of a store that could not do its work. Codes: `storage` (disk full, read or
 * write error, damaged or locked database), `unavailable` (closed, or too much waits already),
 * `invalid_request` (a page cursor that is none). What was in the transaction is rolled back.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.operatorDetail ?? failure.message, options);
    this.failure = failure;
  }
}

/** Delay before what the store could not take is tried again, in milliseconds: a disk takes a moment to mend. */
export const storeRetryMs = 1000;
