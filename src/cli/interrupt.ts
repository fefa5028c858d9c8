import { exitCodes } from './exit-code.ts';
import type { Signals } from './context.ts';

/** The signals that ask a program to end: Ctrl-C, what service managers send, a terminal that closes. */
const endSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A wish to end, as it comes from the keyboard, the terminal or the service manager. */
export interface Interrupt extends Disposable {
  /** Aborted by the first signal: time to end in good order. */
  readonly signal: AbortSignal;
}

/**
 * Listens for the signals that end a program. The first one aborts `signal`; the second one ends the
 * process at once, unless it is a `SIGHUP`: a terminal that closes may send that twice (its shell does,
 * and the kernel), and nobody is in a hurry then. Disposing gives the signals back.
 */
export function listenForInterrupt(signals: Signals): Interrupt {
  const controller = new AbortController();
  const stop = signals.on(endSignals, (name) => {
    if (!controller.signal.aborted) controller.abort();
    else if (name !== 'SIGHUP') signals.kill(exitCodes.interrupted);
  });
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

/** A wish to end that leaves time to end well. */
export interface Stop extends Interrupt {
  /** Aborted by the second signal: end in good order, but now. */
  readonly hurry: AbortSignal;
}

/**
 * Listens for the signals that end a service: the first one aborts `signal`, the second one `hurry`, and
 * the third one ends the process at once. A `SIGHUP` is only ever the first; see
 * {@link listenForInterrupt}. Disposing gives the signals back.
 */
export function listenForStop(signals: Signals): Stop {
  const steps = [new AbortController(), new AbortController()] as const;
  const [first, second] = steps;
  const stop = signals.on(endSignals, (name) => {
    const next = steps.find(({ signal }) => !signal.aborted);
    if (name === 'SIGHUP' && next !== first) return;
    if (next === undefined) signals.kill(exitCodes.interrupted);
    else next.abort();
  });
  return { signal: first.signal, hurry: second.signal, [Symbol.dispose]: stop };
}

/** Waits until `signal` aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
