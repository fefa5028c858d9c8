import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { JobService } from '../jobs/job-service.ts';
import { checkWritable } from '../storage/check-writable.ts';

/** Where the service is in its life; it takes jobs only while it is `open`. */
export type ServicePhase = 'starting' | 'open' | 'closing';

/** What readiness depends on. */
export interface ReadinessParts {
  readonly phase: ServicePhase;
  readonly service: Pick<JobService, 'list'>;
  /** Absolute path. */
  readonly dataDirectory: string;
}

/** Whether the service takes jobs in this phase. Failure: `unavailable`. */
export function checkPhase(phase: ServicePhase): Result<void, Failure> {
  if (phase === 'open') return ok(undefined);
  const doing = phase === 'starting' ? 'starting' : 'stopping';
  return err(failure('unavailable', `The service is ${doing}. Try again in a moment.`));
}

/**
 * Whether the service can take and run jobs now: it is open, its store can be read and its directory
 * can be written. Failures: `unavailable`, `storage`.
 */
export async function checkReadiness(parts: ReadinessParts): Promise<Result<void, Failure>> {
  const open = checkPhase(parts.phase);
  if (!open.ok) return open;
  const read = await parts.service.list({ limit: 1 });
  if (!read.ok) return read;
  return checkWritable(parts.dataDirectory);
}
