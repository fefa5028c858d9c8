/* oxlint-disable typescript/no-unsafe-type-assertion --
 * The stand-in for `fs.write` has one of its many signatures: the one that the logger calls. */
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger, silentLogger } from '../../../src/base/logger.ts';

/** What was written, by file descriptor. */
let written: [number, string][] = [];

function lines(): readonly Record<string, unknown>[] {
  return written.map(([, text]): Record<string, unknown> => JSON.parse(text));
}

// The logger writes with `fs.write`, so that a slow reader of standard error never holds up the service.
beforeEach(() => {
  written = [];
  vi.spyOn(fs, 'write').mockImplementation((fd: number, text: unknown, ...rest: unknown[]) => {
    written.push([fd, String(text)]);
    const done = rest.at(-1) as (error: null, byteCount: number) => void;
    done(null, Buffer.byteLength(String(text)));
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the logger', () => {
  test('writes one JSON line at a time to standard error', () => {
    createLogger('info').info({ jobId: 'job-1', attempt: 2 }, 'attempt started');
    expect(written).toHaveLength(1);
    expect(written[0]?.[0]).toBe(2);
    expect(written[0]?.[1]).toMatch(/^\{.*\}\n$/);
    expect(lines()[0]).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
      jobId: 'job-1',
      attempt: 2,
      msg: 'attempt started',
    });
  });

  test.each([
    ['debug', ['d', 'i', 'w', 'e']],
    ['info', ['i', 'w', 'e']],
    ['warn', ['w', 'e']],
    ['error', ['e']],
    ['silent', []],
  ] as const)('at level %s writes %j', (level, expected) => {
    const logger = createLogger(level);
    logger.debug({}, 'd');
    logger.info({}, 'i');
    logger.warn({}, 'w');
    logger.error({}, 'e');
    expect(lines().map(({ msg }) => msg)).toEqual(expected);
  });

  test('adds the fields of a child to every line of it and of its own children', () => {
    const logger = createLogger('info');
    const child = logger.child({ jobId: 'job-1' }).child({ nodeId: 'publish' });
    child.warn({ attempt: 3 }, 'failed');
    logger.info({}, 'apart');
    expect(lines()[0]).toMatchObject({ jobId: 'job-1', nodeId: 'publish', attempt: 3 });
    expect(lines()[1]).not.toHaveProperty('jobId');
  });

  test('writes an error with its stack and its cause', () => {
    const error = new Error('could not store', { cause: new Error('disk full') });
    createLogger('info').error({ error }, 'giving up');
    expect(lines()[0]).toMatchObject({
      error: {
        type: 'Error',
        message: 'could not store',
        stack: expect.stringContaining('logger.test.ts') as unknown,
        cause: { message: 'disk full' },
      },
      msg: 'giving up',
    });
  });

  test('keeps a message with a line break on one line', () => {
    createLogger('info').info({ text: 'a\nb' }, 'two\nlines');
    expect(written[0]?.[1].split('\n')).toHaveLength(2);
  });
});

describe('the silent logger', () => {
  test('drops every line, also of its children', () => {
    const child = silentLogger.child({ jobId: 'job-1' });
    for (const logger of [silentLogger, child]) {
      logger.debug({}, 'd');
      logger.info({}, 'i');
      logger.warn({}, 'w');
      logger.error({}, 'e');
    }
    expect(written).toEqual([]);
  });
});
