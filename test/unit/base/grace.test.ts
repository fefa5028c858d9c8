import { describe, expect, test } from 'vitest';
import { within } from '../../../src/base/grace.ts';
import { ManualClock } from '../api/manual-clock.ts';

const never = new Promise<void>(() => {});

/** A wait of a second, and whether it is over. */
function wait(work: Promise<unknown>) {
  const clock = new ManualClock();
  const hurry = new AbortController();
  const state = { clock, hurry, isOver: false, end: Promise.resolve() };
  state.end = within(work, { graceMs: 1000, hurry: hurry.signal }, clock).then(
    () => void (state.isOver = true),
  );
  return state;
}

describe('a grace', () => {
  test('is over with the work, whatever it comes to', async () => {
    for (const work of [() => Promise.resolve(), () => Promise.reject(new Error('no'))]) {
      const { end, clock } = wait(work());
      await end;
      expect(clock.pending).toBe(0);
    }
  });

  test('is over with its time', async () => {
    const state = wait(never);
    state.clock.advance(999);
    await Promise.resolve();
    expect(state.isOver).toBe(false);
    state.clock.advance(1);
    await state.end;
    expect(state.isOver).toBe(true);
  });

  test('is over when somebody is in a hurry, also from the start', async () => {
    const state = wait(never);
    state.hurry.abort();
    await state.end;
    expect(state.clock.pending).toBe(0);
    const hurry = AbortSignal.abort();
    await within(never, { graceMs: 1000, hurry }, state.clock);
    expect(state.clock.pending).toBe(0);
  });
});
