import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import { lockFile } from '../../../src/storage/lock-file.ts';
import { createTempDirectory } from '../../support/temp-directory.ts';

const messages = { held: 'Somebody has it.', unwritable: 'It cannot be had.' };

test('a lock has one holder until it is given back', async () => {
  await using directory = await createTempDirectory();
  const path = join(directory.path, '.lock');
  const first = lockFile(path, messages);
  assert(first.ok, 'the first one gets it');
  const error = { code: 'conflict', message: 'Somebody has it.' };
  expect(lockFile(path, messages)).toMatchObject({ ok: false, error });
  first.value[Symbol.dispose]();
  const again = lockFile(path, messages);
  assert(again.ok, 'it is free again');
  again.value[Symbol.dispose]();
});

test('a lock where no file can be is a failure of storage', async () => {
  await using directory = await createTempDirectory();
  const refused = lockFile(join(directory.path, 'missing', '.lock'), messages);
  const error = { code: 'storage', message: 'It cannot be had.' };
  expect(refused).toMatchObject({ ok: false, error });
});
