import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkReadiness } from '../../../src/api/readiness.ts';
import type { ReadinessParts } from '../../../src/api/readiness.ts';
import { failure } from '../../../src/base/failure.ts';
import { err, ok } from '../../../src/base/result.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

function partsOf(dataDirectory: string, change: Partial<ReadinessParts> = {}): ReadinessParts {
  const list: ReadinessParts['service']['list'] = () => Promise.resolve(ok({ jobs: [] }));
  return { phase: 'open', service: { list }, dataDirectory, ...change };
}

describe('a service', () => {
  it('is ready while it is open, and leaves no file of the check behind', async () => {
    await using directory = await createTempDirectory();
    expect(await checkReadiness(partsOf(directory.path))).toEqual(ok(undefined));
    expect(await readdir(directory.path)).toEqual([]);
  });

  it.each(['starting', 'closing'] as const)('is not ready while it is %s', async (phase) => {
    await using directory = await createTempDirectory();
    const checked = await checkReadiness(partsOf(directory.path, { phase }));
    expect(checked).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  });

  it('is not ready when its store cannot be read', async () => {
    await using directory = await createTempDirectory();
    const refusal = err(failure('storage', 'The disk of the database is full.'));
    const service = { list: () => Promise.resolve(refusal) };
    expect(await checkReadiness(partsOf(directory.path, { service }))).toEqual(refusal);
  });

  it('is not ready when its directory cannot be written', async () => {
    await using directory = await createTempDirectory();
    const checked = await checkReadiness(partsOf(join(directory.path, 'gone')));
    expect(checked).toMatchObject({ ok: false, error: { code: 'storage' } });
  });
});
