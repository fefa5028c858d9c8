import { describe, expect, test } from 'vitest';
import { failure } from '../../../src/base/failure.ts';
import type { FailureCode } from '../../../src/base/failure.ts';
import {
  backoffMsMax,
  isRetried,
  retryDelayMs,
  retryRules,
} from '../../../src/scheduler/retry-policy.ts';

const policy = { attemptsMax: 3, backoffMs: 1000 };

function codesOf(wanted: string): readonly string[] {
  return Object.entries(retryRules).flatMap(([code, rule]) =>
    rule.class === wanted ? [code] : [],
  );
}

describe('the table of failures', () => {
  test('puts every code into its class', () => {
    expect({
      'bad-input': codesOf('bad-input'),
      request: codesOf('request'),
      setup: codesOf('setup'),
      transient: codesOf('transient'),
      resource: codesOf('resource'),
      bug: codesOf('bug'),
    }).toEqual({
      'bad-input': [
        'empty',
        'unsupported_format',
        'unsupported_codec',
        'truncated',
        'corrupt',
        'encrypted',
        'limit_pixels',
        'limit_duration',
        'limit_streams',
        'limit_size',
      ],
      request: ['invalid_request', 'not_found', 'conflict', 'idempotency_key_reused', 'expired'],
      setup: ['model_missing'],
      transient: [
        'timeout',
        'stalled',
        'lost',
        'tool',
        'invalid_output',
        'unavailable',
        'cancelled',
      ],
      resource: ['resource', 'storage'],
      bug: ['internal'],
    });
  });

  test('retries what is transient or a shortage, and nothing else', () => {
    const retried = Object.entries(retryRules).flatMap(([code, { retry }]) =>
      retry === 'retry' ? [code] : [],
    );
    expect(retried).toEqual([...codesOf('transient'), ...codesOf('resource')]);
  });

  test('gives each code a reason in a sentence of its own', () => {
    const reasons = Object.values(retryRules).map(({ reason }) => reason);
    for (const reason of reasons) expect(reason).toMatch(/^[A-Z].+\.$/);
    expect(new Set(reasons).size).toBe(reasons.length);
  });
});

describe('another attempt', () => {
  test('follows until the last one that the policy allows', () => {
    const tool = failure('tool', 'It crashed.');
    expect([1, 2, 3, 4].map((attempt) => isRetried(tool, policy, attempt))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(isRetried(tool, { attemptsMax: 1, backoffMs: 0 }, 1)).toBe(false);
  });

  test.each<[FailureCode, boolean]>([
    ['timeout', true],
    ['storage', true],
    ['corrupt', false],
    ['model_missing', false],
    ['internal', false],
  ])('after %s: %s', (code, expected) => {
    expect(isRetried(failure(code, 'So it is.'), policy, 1)).toBe(expected);
  });
});

describe('the delay of a retry', () => {
  const delays = (jobId: string, nodeId: string) =>
    [1, 2, 3, 4].map((attempt) => retryDelayMs(policy, { jobId, nodeId, attempt }));

  test('is the same for the same attempt, always and on every machine', () => {
    expect(delays('job', 'transcode-720p')).toEqual([1134, 2121, 4766, 8591]);
    expect(delays('job', 'transcode-1080p')).toEqual([1207, 2305, 4775, 8029]);
  });

  test('doubles with each attempt, and jitter adds a quarter at most', () => {
    for (let job = 0; job < 500; job += 1) {
      for (const [index, delayMs] of delays(`job-${job}`, 'a').entries()) {
        const leastMs = 1000 * 2 ** index;
        expect(delayMs).toBeGreaterThanOrEqual(leastMs);
        expect(delayMs).toBeLessThanOrEqual(leastMs * 1.25);
        expect(Number.isInteger(delayMs)).toBe(true);
      }
    }
  });

  test('is spread evenly over nodes that failed together', () => {
    const quarters = [0, 0, 0, 0];
    for (let job = 0; job < 1000; job += 1) {
      const delayMs = retryDelayMs(policy, { jobId: `job-${job}`, nodeId: 'a', attempt: 1 });
      const quarter = Math.min(3, Math.floor((delayMs - 1000) / 62.5));
      quarters[quarter] = (quarters[quarter] ?? 0) + 1;
    }
    for (const count of quarters) {
      expect(count).toBeGreaterThan(200);
      expect(count).toBeLessThan(300);
    }
  });

  test('differs between nodes and attempts of one job', () => {
    const shares = ['a', 'b'].flatMap((nodeId) =>
      [1, 2].map((attempt) => {
        const failed = { jobId: 'job', nodeId, attempt };
        return retryDelayMs(policy, failed) / (1000 * 2 ** (attempt - 1));
      }),
    );
    expect(new Set(shares).size).toBe(4);
  });

  test('is never longer than five minutes, jitter included', () => {
    const slow = { attemptsMax: 10, backoffMs: 299_999 };
    expect(backoffMsMax).toBe(300_000);
    expect(retryDelayMs(slow, { jobId: 'job', nodeId: 'a', attempt: 1 })).toBe(300_000);
    expect(retryDelayMs(policy, { jobId: 'job', nodeId: 'a', attempt: 10 })).toBe(300_000);
    expect(retryDelayMs(policy, { jobId: 'job', nodeId: 'a', attempt: 2000 })).toBe(300_000);
  });

  test('of a policy without one is zero', () => {
    const eager = { attemptsMax: 3, backoffMs: 0 };
    expect(retryDelayMs(eager, { jobId: 'job', nodeId: 'a', attempt: 3 })).toBe(0);
  });
});
