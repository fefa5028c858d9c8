import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { errorCodeOf } from '../../../src/base/error-code.ts';

it('is what the system calls it, and nothing where there is none', async () => {
  const thrown: unknown = await readFile('/no/such/file').catch((error: unknown) => error);
  expect(errorCodeOf(thrown)).toBe('ENOENT');
  expect(errorCodeOf(new Error('ENOENT'))).toBeUndefined();
  expect(errorCodeOf({ code: 'ENOENT' })).toBeUndefined();
  expect(errorCodeOf(undefined)).toBeUndefined();
});
