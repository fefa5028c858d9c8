import type { Failure, FailureCode } from '../base/failure.ts';
import type { RetryPolicy } from '../pipeline/plan.ts';

/**
 * What kind of cause a failure has.
 *
 * - `bad-input`: the upload itself; the same bytes fail again
 * - `request`: what was asked for; only another request helps
 * - `setup`: the operator has to do something first
 * - `transient`: the circumstances of this attempt; the next one may meet better ones
 * - `resource`: the host was short of something; it needs time
 * - `bug`: ours; running the same code again costs time and hides it
 */
export type FailureClass = 'bad-input' | 'request' | 'setup' | 'transient' | 'resource' | 'bug';

/** Whether a failure is worth another attempt, and why. */
export interface RetryRule {
  readonly class: FailureClass;
  readonly retry: 'never' | 'retry';
  readonly reason: string;
}

/** The one place where it is decided which failures are retried. */
export const retryRules: Readonly<Record<FailureCode, RetryRule>> = {
  empty: never('bad-input', 'An empty upload stays empty.'),
  unsupported_format: never('bad-input', 'The container does not change.'),
  unsupported_codec: never('bad-input', 'The codec does not change.'),
  truncated: never('bad-input', 'The missing end does not come back.'),
  corrupt: never('bad-input', 'Damaged data stays damaged.'),
  encrypted: never('bad-input', 'There is no key.'),
  limit_pixels: never('bad-input', 'The picture stays as large.'),
  limit_duration: never('bad-input', 'The film stays as long.'),
  limit_streams: never('bad-input', 'The streams stay as many.'),
  limit_size: never('bad-input', 'The file stays as large.'),
  invalid_request: never('request', 'The request has to change.'),
  not_found: never('request', 'What was asked for has to exist first.'),
  conflict: never('request', 'The request contradicts what is there.'),
  idempotency_key_reused: never('request', 'The key stands for another request.'),
  expired: never('request', 'What was removed does not come back.'),
  model_missing: never('setup', 'Somebody has to fetch the model first.'),
  timeout: retry('transient', 'The host may have been busy or a disk slow.'),
  stalled: retry('transient', 'A hang is often one of timing.'),
  lost: retry('transient', 'The worker is gone, the node is not to blame.'),
  tool: retry('transient', 'A tool that was killed or crashed may well end the next time.'),
  invalid_output: retry('transient', 'A short disk or a cut write spoils an output once.'),
  unavailable: retry('transient', 'Something was stopping or full; it comes back.'),
  cancelled: retry('transient', 'Nobody asked this job to stop: the service itself was stopping.'),
  resource: retry('resource', 'Memory or handles come free when neighbours end.'),
  storage: retry('resource', 'A full or failing disk may be repaired meanwhile.'),
  internal: never('bug', 'The same code on the same input does the same.'),
};

/** Longest delay between two attempts, in milliseconds: somebody is waiting for the result. */
export const backoffMsMax = 5 * 60_000;

/**
 * How much of a delay the jitter may add at most. A quarter spreads nodes that failed together (a full
 * disk, a stopped service) without making anybody wait noticeably longer.
 */
const jitterShareMax = 0.25;

/** Whether another attempt follows one that failed in this way. */
export function isRetried(cause: Failure, policy: RetryPolicy, attempt: number): boolean {
  return retryRules[cause.code].retry === 'retry' && attempt < policy.attemptsMax;
}

/** The attempt that failed. */
export interface FailedAttempt {
  readonly jobId: string;
  readonly nodeId: string;
  /** Its number, ≥ 1. */
  readonly attempt: number;
}

/**
 * Milliseconds from a failed attempt to the next: `backoffMs`, doubled for every attempt before this
 * one, plus a jitter of at most a quarter that depends on nothing but the ids; at most
 * {@link backoffMsMax}. A whole number.
 */
export function retryDelayMs(policy: RetryPolicy, failed: FailedAttempt): number {
  const delayMs = policy.backoffMs * 2 ** (failed.attempt - 1);
  const share = hashFraction(`${failed.jobId}/${failed.nodeId}/${failed.attempt}`);
  return Math.round(Math.min(delayMs * (1 + jitterShareMax * share), backoffMsMax));
}

/**
 * A text as a number in [0, 1): 32-bit FNV-1a (draft-eastlake-fnv: offset basis 2166136261, prime
 * 16777619), then the final mix of MurmurHash3, as FNV alone hardly spreads texts that differ only in
 * their last character.
 */
function hashFraction(text: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function never(failureClass: FailureClass, reason: string): RetryRule {
  return { class: failureClass, retry: 'never', reason };
}

function retry(failureClass: FailureClass, reason: string): RetryRule {
  return { class: failureClass, retry: 'retry', reason };
}
