import { describe, expect, test } from 'vitest';
import { listenForInterrupt, listenForStop } from '../../../src/cli/interrupt.ts';
import type { Signals } from '../../../src/cli/context.ts';

/** Signals that the test sends. */
class FakeSignals implements Signals {
  killedWith: number | undefined;
  #listener: ((name: NodeJS.Signals) => void) | undefined;

  on(_names: readonly NodeJS.Signals[], callback: (name: NodeJS.Signals) => void): () => void {
    this.#listener = callback;
    return () => (this.#listener = undefined);
  }

  kill(exitCode: number): void {
    this.killedWith = exitCode;
  }

  send(...names: readonly NodeJS.Signals[]): void {
    for (const name of names) this.#listener?.(name);
  }

  get hasListener(): boolean {
    return this.#listener !== undefined;
  }
}

describe('a service', () => {
  test('is asked to stop by the first signal, to hurry by the second, and killed by the third', () => {
    const signals = new FakeSignals();
    using stop = listenForStop(signals);
    const state = () => [stop.signal.aborted, stop.hurry.aborted, signals.killedWith];
    expect(state()).toEqual([false, false, undefined]);
    signals.send('SIGTERM');
    expect(state()).toEqual([true, false, undefined]);
    signals.send('SIGINT');
    expect(state()).toEqual([true, true, undefined]);
    signals.send('SIGTERM');
    expect(state()).toEqual([true, true, 130]);
  });

  test('takes a closing terminal for no more than the wish to stop', () => {
    const signals = new FakeSignals();
    using stop = listenForStop(signals);
    signals.send('SIGHUP', 'SIGHUP', 'SIGHUP');
    expect([stop.signal.aborted, stop.hurry.aborted]).toEqual([true, false]);
    expect(signals.killedWith).toBeUndefined();
  });

  test('gives the signals back', () => {
    const signals = new FakeSignals();
    const stop = listenForStop(signals);
    stop[Symbol.dispose]();
    expect(signals.hasListener).toBe(false);
  });
});

describe('a command', () => {
  test('is asked to end by the first signal and killed by the second, unless that is a SIGHUP', () => {
    const signals = new FakeSignals();
    using interrupt = listenForInterrupt(signals);
    signals.send('SIGINT', 'SIGHUP');
    expect(interrupt.signal.aborted).toBe(true);
    expect(signals.killedWith).toBeUndefined();
    signals.send('SIGINT');
    expect(signals.killedWith).toBe(130);
  });
});
