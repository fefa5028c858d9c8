import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Logger } from '../base/logger.ts';
import type { Result } from '../base/result.ts';
import type { JobService } from '../jobs/job-service.ts';
import type { Retention } from '../jobs/retention.ts';
import type { Intake } from '../storage/intake.ts';
import type { PipelineView } from './schema.ts';

/** What the API serves and with what. */
export interface ApiOptions {
  readonly service: JobService;
  readonly intake: Intake;
  readonly pipelines: readonly PipelineView[];
  readonly limits: ApiLimits;
  /** How long files are kept, to tell clients when they go; for ever by default. */
  readonly retention?: Retention;
  readonly logger: Logger;
  /**
   * Whether a new job would be taken now; asked before the body of an upload is read, so it is quick.
   * The failure's message is the answer, with 503.
   */
  readonly admission: () => Result<void, Failure>;
  /**
   * Whether jobs may be changed at all now; asked before every request that is no reading. Not while the
   * service still takes up the jobs of before, which nobody may change meanwhile. The failure's message is
   * the answer, with 503.
   */
  readonly changes: () => Result<void, Failure>;
  /** Whether the service can take and run jobs now; the failure's message is shown by `/readyz`. */
  readonly readiness: () => Result<void, Failure> | Promise<Result<void, Failure>>;
  readonly clock: Clock;
  /**
   * Where clients reach the service, e.g. `https://video.example.org`, without a slash at the end. By
   * default addresses in answers are relative (`/v1/…`), which holds behind any proxy.
   */
  readonly baseUrl?: string;
}

/** Bounds of the API. */
export interface ApiLimits {
  /** Largest uploaded file in bytes. */
  readonly uploadBytesMax: number;
  /** Most uploads at once; the next one is told to come back (429). 64 by default. */
  readonly uploadsMax?: number;
  /** Most event streams at once, likewise. 256 by default. */
  readonly eventStreamsMax?: number;
}
