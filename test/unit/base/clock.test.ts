import { equal } from 'node:assert/strict';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';

const day = 24 * 3_600_000;

describe('the machine’s clock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    equal(vi.getTimerCount(), 0, 'no timer is left');
    vi.useRealTimers();
  });

  test('tells the wall-clock time and a time that only grows', () => {
    vi.setSystemTime(1_700_000_000_000);
    expect(systemClock.nowMs()).toBe(1_700_000_000_000);
    const before = systemClock.monotonicMs();
    vi.advanceTimersByTime(250);
    expect(systemClock.monotonicMs() - before).toBe(250);
    vi.setSystemTime(0);
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before + 250);
  });

  test('calls back once, after the delay and not before', () => {
    const callback = vi.fn<() => void>();
    systemClock.after(100, callback);
    vi.advanceTimersByTime(99);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(500);
    expect(callback).toHaveBeenCalledOnce();
  });

  test('does not call back once it is cancelled', () => {
    const callback = vi.fn<() => void>();
    const cancel = systemClock.after(100, callback);
    cancel();
    vi.advanceTimersByTime(500);
    expect(callback).not.toHaveBeenCalled();
  });

  test('can be cancelled twice, and after the call', () => {
    const callback = vi.fn<() => void>();
    const cancel = systemClock.after(1, callback);
    vi.advanceTimersByTime(1);
    cancel();
    cancel();
    expect(callback).toHaveBeenCalledOnce();
  });

  test('calls back soon when the delay is over already, never at once', () => {
    const callback = vi.fn<() => void>();
    systemClock.after(-5000, callback);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledOnce();
  });

  test('waits for months, although a timer can not', () => {
    const callback = vi.fn<() => void>();
    systemClock.after(100 * day, callback);
    vi.advanceTimersByTime(100 * day - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledOnce();
  });

  test('can be cancelled in the middle of such a wait', () => {
    const callback = vi.fn<() => void>();
    const cancel = systemClock.after(100 * day, callback);
    vi.advanceTimersByTime(60 * day);
    cancel();
    vi.advanceTimersByTime(100 * day);
    expect(callback).not.toHaveBeenCalled();
  });
});
