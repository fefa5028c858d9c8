import type { Settings } from './config/settings.ts';
import type { Failure } from './base/failure.ts';
import type { Logger } from './base/logger.ts';
import type { Result } from './base/result.ts';
import type { JobService } from './jobs/job-service.ts';

/** The whole service, wired. */
export interface App {
  readonly service: JobService;
  /** Starts the HTTP server; resolves with its base URL, e.g. `http://127.0.0.1:8080`. */
  listen(): Promise<Result<{ readonly url: string }, Failure>>;
  /** Stops the server and the worker, ends every child, closes the store. Idempotent. */
  close(): Promise<void>;
}

/** Wires the service from settings. Starts the worker, not the server. */
export type CreateApp = (settings: Settings, logger: Logger) => Promise<Result<App, Failure>>;
