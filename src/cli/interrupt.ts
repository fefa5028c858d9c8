import { exitCodes } from './exit-code.ts';
import type { Signals } from './context.ts';

/** The two signals that ask a program to end: Ctrl-C, and what service managers send. */
const endSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** A wish to end, as it comes from the keyboard or the service manager. */
export interface Interrupt extends Disposable {
  /** Aborted by the first signal: time to end in good order. */
  readonly signal: AbortSignal;
}

/**
 * Listens for the signals that end a program. The first one aborts `signal`; the second one ends the
 * process at once. Disposing gives the signals back.
 */
export function listenForInterrupt(signals: Signals): Interrupt {
  const controller = new AbortController();
  const stop = signals.on(endSignals, () => {
    if (controller.signal.aborted) signals.kill(exitCodes.interrupted);
    else controller.abort();
  });
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

/** Waits until `signal` aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
