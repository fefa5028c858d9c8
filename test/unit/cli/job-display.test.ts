import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import {
  createJobDisplay,
  drawnRows,
  LiveDisplay,
  PlainDisplay,
} from '../../../src/cli/job-display.ts';
import { FakeScreen } from './fake-screen.ts';
import { createdAtMs, finishedJob, runningJob } from './sample-job.ts';

/** A clock that stands still; `tick` fires what is due next. */
function stillClock(): Clock & { tick(): void; readonly waiting: number } {
  const callbacks: (() => void)[] = [];
  return {
    nowMs: () => createdAtMs + 5000,
    monotonicMs: () => 0,
    after(_delayMs, callback) {
      callbacks.push(callback);
      return () => void callbacks.splice(callbacks.indexOf(callback), 1);
    },
    tick: () => callbacks.shift()?.(),
    get waiting() {
      return callbacks.length;
    },
  };
}

const picture = '\u001B[?2026h';

describe('the live display', () => {
  test('draws, draws over itself, and leaves the last picture and the cursor', () => {
    const screen = new FakeScreen({ columns: 100, rows: 40 });
    const clock = stillClock();
    const display = new LiveDisplay(screen, clock);
    display.show(runningJob);
    const first = screen.take();
    expect(first.startsWith(`\u001B[?25l${picture}\r\u001B[2K✔ validate`)).toBe(true);
    expect(first.split('\n')).toHaveLength(12);
    clock.tick();
    const second = screen.take();
    expect(second.startsWith(`${picture}\u001B[11A\r\u001B[2K✔ validate`)).toBe(true);
    // Each line clears what was longer in its place, the end what was below: never the whole screen.
    expect(
      second
        .split('\n')
        .slice(0, -1)
        .every((line) => line.includes('\u001B[2K')),
    ).toBe(true);
    expect(second.endsWith('\n\u001B[J\u001B[?2026l')).toBe(true);
    display.show(finishedJob);
    expect(screen.take()).toBe('');
    display.close();
    const last = screen.take();
    expect(last).toContain('succeeded  9 of 9 nodes done');
    expect(last.endsWith('\u001B[?25h')).toBe(true);
    expect(clock.waiting).toBe(0);
    expect(screen.listenerCount).toBe(0);
  });

  test('moves up over the rows that a narrower terminal made of its longer lines', () => {
    const screen = new FakeScreen({ columns: 100, rows: 40 });
    const display = new LiveDisplay(screen, stillClock());
    display.show(runningJob);
    screen.take();
    screen.resize({ columns: 40, rows: 40 });
    const text = screen.take();
    const up = Number(/\[(\d+)A/.exec(text)?.[1]);
    expect(up).toBeGreaterThan(11);
    const lines = text.split('\n').slice(0, -1);
    for (const line of lines.slice(1)) {
      expect(line.replace('\u001B[2K', '').length).toBeLessThanOrEqual(40);
    }
    display.close();
  });

  test('shows what is said below the tree', () => {
    const screen = new FakeScreen({ columns: 100, rows: 40 });
    const display = new LiveDisplay(screen, stillClock());
    display.show(runningJob);
    screen.take();
    display.say('Cancelling.');
    expect(screen.take()).toContain('\n\u001B[2KCancelling.\n');
    display.close();
  });

  test('writes nothing when it is closed before anything was shown, or again', () => {
    const screen = new FakeScreen({ columns: 100, rows: 40 });
    const display = new LiveDisplay(screen, stillClock());
    display.close();
    display.close();
    display.show(runningJob);
    expect(screen.text).toBe('');
  });
});

describe('rows of a picture', () => {
  test.each([
    [[0, 10, 20], 20, 3],
    [[0, 10, 21], 20, 4],
    [[], 20, 0],
  ])('with lines of %j columns on %i columns are %i', (widths, columns, rows) => {
    expect(drawnRows(widths, columns)).toBe(rows);
  });
});

describe('the plain display', () => {
  test('writes one line per event, with the time since the job was created', () => {
    const screen = new FakeScreen();
    const display = new PlainDisplay(screen);
    const atMs = createdAtMs + 1500;
    const base = { type: 'node', atMs, nodeId: 'extract-audio', attempt: 1 } as const;
    display.show();
    display.notice({ ...base, phase: 'waiting' }, runningJob);
    display.notice({ ...base, phase: 'ready' }, runningJob);
    display.notice({ ...base, phase: 'running', cores: 2 }, runningJob);
    display.notice({ ...base, phase: 'running', cores: 1, attempt: 2 }, runningJob);
    display.notice({ ...base, phase: 'succeeded' }, finishedJob);
    display.notice({ ...base, phase: 'succeeded', isReused: true }, finishedJob);
    display.notice({ ...base, nodeId: 'merge-1080p', phase: 'skipped' }, runningJob);
    display.notice({ type: 'warning', atMs, message: 'No model.' }, runningJob);
    display.notice({ type: 'job', atMs, phase: 'succeeded' }, finishedJob);
    expect(screen.text.split('\n')).toEqual([
      '    1.5 s  extract-audio is ready',
      '    1.5 s  extract-audio started on 2 cores',
      '    1.5 s  extract-audio started on 1 core, attempt 2',
      '    1.5 s  extract-audio succeeded in 1.2 s',
      '    1.5 s  extract-audio reused in 1.2 s',
      '    1.5 s  merge-1080p skipped: its input was skipped',
      '    1.5 s  warning: No model.',
      '    1.5 s  job succeeded',
      '',
    ]);
  });

  test('says why a job failed, and where', () => {
    const screen = new FakeScreen();
    const failed = {
      ...runningJob,
      phase: 'failed' as const,
      failure: { code: 'corrupt', message: 'The file is damaged.', nodeId: 'validate' },
    };
    new PlainDisplay(screen).notice({ type: 'job', atMs: createdAtMs, phase: 'failed' }, failed);
    expect(screen.text).toBe('     0 ms  job failed in validate: The file is damaged.\n');
  });
});

describe('the display for a screen', () => {
  test('is a tree on a terminal and lines elsewhere', () => {
    const clock = stillClock();
    const terminal = new FakeScreen({ columns: 80, rows: 24 });
    expect(createJobDisplay(terminal, clock)).toBeInstanceOf(LiveDisplay);
    expect(createJobDisplay(new FakeScreen(), clock)).toBeInstanceOf(PlainDisplay);
  });
});
