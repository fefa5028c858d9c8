import type { Clock } from './clock.ts';

/** How long something may go on that is to end. */
export interface Grace {
  /** In milliseconds; 0 for no time at all. */
  readonly graceMs: number;
  /** Ends the grace early. */
  readonly hurry: AbortSignal;
}

/** Waits for the work, but no longer than the grace; what the work comes to is not looked at. */
export async function within(
  work: Promise<unknown>,
  { graceMs, hurry }: Grace,
  clock: Clock,
): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(graceMs, resolve);
  const end = (): void => resolve();
  hurry.addEventListener('abort', end, { once: true });
  if (hurry.aborted) resolve();
  await Promise.race([Promise.allSettled([work]), over]);
  hurry.removeEventListener('abort', end);
  cancel();
}
