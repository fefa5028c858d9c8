import { expect, test } from 'vitest';
import type { ChildExit } from '../../../src/processes/child.ts';
import { endFailure } from '../../../src/speech/speech-failures.ts';

test.each([
  [{ signal: 'SIGKILL', cause: 'cancelled' }, 'cancelled'],
  [{ signal: 'SIGTERM', cause: 'timeout' }, 'timeout'],
  [{ signal: 'SIGXCPU' }, 'timeout'],
  [{ signal: 'SIGKILL', mayHaveSpentItsCpu: true }, 'timeout'],
  [{ signal: 'SIGXFSZ' }, 'limit_size'],
  [{ signal: 'SIGKILL' }, 'tool'],
  [{ signal: 'SIGILL' }, 'tool'],
  [{ code: 1 }, 'tool'],
] as const satisfies readonly (readonly [ChildExit, string])[])(
  'an engine that ends as %j fails as %s',
  (exit, code) => {
    expect(endFailure({ argv: ['node'], exit, stdout: '', stderr: '' }).code).toBe(code);
  },
);
