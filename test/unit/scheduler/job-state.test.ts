import { describe, expect, test } from 'vitest';
import { isTerminalJob, isTerminalNode } from '../../../src/scheduler/job-state.ts';

describe('the end', () => {
  test.each(['succeeded', 'failed', 'cancelled'] as const)('of a job is %s', (phase) => {
    expect(isTerminalJob(phase)).toBe(true);
  });

  test.each(['queued', 'running'] as const)('of a job is not %s', (phase) => {
    expect(isTerminalJob(phase)).toBe(false);
  });

  test.each(['succeeded', 'failed', 'cancelled', 'skipped'] as const)(
    'of a node is %s',
    (phase) => {
      expect(isTerminalNode(phase)).toBe(true);
    },
  );

  test.each(['waiting', 'ready', 'running', 'delayed'] as const)('of a node is not %s', (phase) => {
    expect(isTerminalNode(phase)).toBe(false);
  });
});
