import { forEverSec } from '../config/quantities.ts';
import type { Settings } from '../config/settings.ts';
import { isTerminalJob } from '../scheduler/job-state.ts';
import type { KeptFiles, StoredJob } from '../store/store.ts';

/** How long things are kept, in milliseconds; `Infinity` is for ever, 0 not at all. */
export interface Retention {
  /** Uploads and what only nodes needed, from the end of their job on: as long can the job be retried. */
  readonly sourceMs: number;
  /** Products, from the end of their job on. */
  readonly productsMs: number;
  /** Idempotency keys, from the request on. */
  readonly keysMs: number;
}

/**
 * How long an idempotency key is known, in milliseconds: a day is what payment services have taught clients
 * to count on, and longer than anybody goes on trying to send one film.
 */
export const keysMs = 24 * 60 * 60 * 1000;

/** The retention that the settings say. */
export function retentionOf(
  settings: Pick<Settings, 'sourceRetentionSec' | 'productRetentionSec'>,
): Retention {
  return {
    sourceMs: toMs(settings.sourceRetentionSec),
    productsMs: toMs(settings.productRetentionSec),
    keysMs,
  };
}

function toMs(seconds: number): number {
  return seconds === forEverSec ? Infinity : seconds * 1000;
}

/** Keeps everything for ever. */
export const keepForEver: Retention = {
  sourceMs: Infinity,
  productsMs: Infinity,
  keysMs: Infinity,
};

/** How long files of this sort are kept: without its products a job is over, so its source goes along. */
export function keptMs({ sourceMs, productsMs }: Retention, kept: KeptFiles): number {
  return kept === 'source' ? Math.min(sourceMs, productsMs) : productsMs;
}

/**
 * When files of a job will be removed, in milliseconds since the epoch; undefined while the job has not
 * ended, once they are removed, and when they stay for ever.
 */
export function expiryMs(
  { state, sourceRemovedAtMs, productsRemovedAtMs }: StoredJob,
  kept: KeptFiles,
  retention: Retention,
): number | undefined {
  const removedAtMs = kept === 'source' ? sourceRemovedAtMs : productsRemovedAtMs;
  const hasEnded = isTerminalJob(state.phase) && state.endedAtMs !== undefined;
  if (!hasEnded || removedAtMs !== undefined) return undefined;
  const atMs = state.endedAtMs + keptMs(retention, kept);
  return Number.isFinite(atMs) ? atMs : undefined;
}
