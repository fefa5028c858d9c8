import type { FailureCode } from '../base/failure.ts';

/** What the process tells its caller. */
export const exitCodes = {
  ok: 0,
  /** The work was tried and failed. */
  failed: 1,
  /** The command line, a setting or the input is wrong: the same call fails again. */
  usage: 2,
  /** Ended by Ctrl-C: 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Failures that the caller can only mend by calling differently. */
const usageCodes: ReadonlySet<FailureCode> = new Set([
  'invalid_request',
  'not_found',
  'conflict',
  'idempotency_key_reused',
  'expired',
  'empty',
  'unsupported_format',
  'limit_size',
]);

/** The exit code for a failure that came before any work was done. */
export function exitCodeOf(code: FailureCode): ExitCode {
  if (code === 'cancelled') return exitCodes.interrupted;
  return usageCodes.has(code) ? exitCodes.usage : exitCodes.failed;
}
