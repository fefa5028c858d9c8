import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Launch } from '../processes/launch.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import { childEnvironment } from '../processes/tool-run.ts';

/** What all parts of the speech engines share. */
export interface SpeechContext {
  /** The configured model: a published name or a path. */
  readonly model: string;
  readonly modelsDir: string;
  readonly clock: Clock;
  readonly starter: ProcessStarter;
  readonly logger: Logger;
  /** Where programs are looked for, as in `PATH`. */
  readonly searchPath: string;
  readonly launch: Launch;
}

/**
 * The whole environment of an engine's process. OpenMP, which whisper.cpp computes with, keeps to the
 * thread budget, and its threads sleep while they wait for each other: another job can use the core.
 */
export function engineEnvironment(
  searchPath: string,
  threads: number,
): Readonly<Record<string, string>> {
  return {
    ...childEnvironment(searchPath),
    OMP_NUM_THREADS: String(threads),
    OMP_THREAD_LIMIT: String(threads),
    OMP_WAIT_POLICY: 'passive',
  };
}
