import { describe, expect, test } from 'vitest';
import { createFetchDisplay } from '../../../src/cli/model-progress.ts';
import { ManualClock } from '../api/manual-clock.ts';
import { FakeScreen } from './fake-screen.ts';

const mebibyte = 1024 * 1024;
const title = { name: 'base', bytes: 100 * mebibyte };

describe('a download on a terminal', () => {
  test('is one line with a bar, drawn over itself', () => {
    const screen = new FakeScreen({ columns: 120, rows: 24 });
    const clock = new ManualClock();
    const display = createFetchDisplay(screen, clock, title);
    display.progress(0);
    clock.advance(1000);
    display.progress(25 * mebibyte);
    expect(screen.take().split('\r\u001B[K')).toEqual([
      '',
      `base  ${'░'.repeat(24)}   0 %  0 B of 100.0 MiB`,
      `base  ${'█'.repeat(6)}${'░'.repeat(18)}  25 %  25.0 MiB of 100.0 MiB  25.0 MiB/s  3.0 s left`,
    ]);
    clock.advance(1000);
    display.progress(100 * mebibyte);
    display.close();
    display.close();
    expect(screen.take()).toMatch(/100 % {2}100.0 MiB of 100.0 MiB {2}50.0 MiB\/s\n$/);
  });

  test('is drawn ten times a second at most, and at the end', () => {
    const screen = new FakeScreen({ columns: 120, rows: 24 });
    const display = createFetchDisplay(screen, new ManualClock(), title);
    for (let done = 0; done <= 100; done += 1) display.progress(done * mebibyte);
    expect(screen.take().split('\r')).toHaveLength(2);
    display.close();
    expect(screen.text).toContain('100 %');
  });

  test('has no bar and no second line on a narrow one', () => {
    const screen = new FakeScreen({ columns: 40, rows: 24 });
    const display = createFetchDisplay(screen, new ManualClock(), title);
    display.progress(50 * mebibyte);
    expect(screen.text).toBe('\r\u001B[Kbase    50 %  50.0 MiB of 100.0 MiB');
  });

  test('goes on below a remark', () => {
    const screen = new FakeScreen({ columns: 120, rows: 24 });
    const display = createFetchDisplay(screen, new ManualClock(), title);
    display.progress(mebibyte);
    screen.take();
    display.say('The connection broke off.');
    const [before, remark, below] = screen.text.split('\r\u001B[K');
    expect([before, remark]).toEqual(['', 'The connection broke off.\n']);
    expect(below).toMatch(/^base .* 1 %/);
  });

  test('leaves no trace when nothing was downloaded', () => {
    const screen = new FakeScreen({ columns: 120, rows: 24 });
    createFetchDisplay(screen, new ManualClock(), title).close();
    expect(screen.text).toBe('');
  });

  test('shows the speed of the last seconds, and none across a start from zero', () => {
    const screen = new FakeScreen({ columns: 120, rows: 24 });
    const clock = new ManualClock();
    const display = createFetchDisplay(screen, clock, title);
    display.progress(0);
    clock.advance(1000);
    display.progress(50 * mebibyte);
    clock.advance(20_000);
    display.progress(60 * mebibyte);
    clock.advance(5000);
    screen.take();
    display.progress(65 * mebibyte);
    expect(screen.take()).toContain('1.0 MiB/s  35.0 s left');
    clock.advance(1000);
    display.progress(0);
    expect(screen.take()).toMatch(/0 B of 100\.0 MiB$/);
  });
});

describe('a download into a file', () => {
  test('is a line per tenth', () => {
    const screen = new FakeScreen();
    const clock = new ManualClock();
    const display = createFetchDisplay(screen, clock, title);
    for (let done = 0; done <= 100; done += 1) {
      display.progress(done * mebibyte);
      clock.advance(100);
    }
    display.close();
    const lines = screen.text.trimEnd().split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[0]).toBe('base   0 %  0 B of 100.0 MiB');
    expect(lines[5]).toBe('base  50 %  50.0 MiB of 100.0 MiB  10.0 MiB/s  5.0 s left');
    expect(lines[10]).toBe('base 100 %  100.0 MiB of 100.0 MiB  10.0 MiB/s');
  });

  test('has its remarks on lines of their own', () => {
    const screen = new FakeScreen();
    createFetchDisplay(screen, new ManualClock(), title).say('Trying again in 1.0 s.');
    expect(screen.text).toBe('Trying again in 1.0 s.\n');
  });
});
