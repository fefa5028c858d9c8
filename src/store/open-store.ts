import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { migrate } from './migrations.ts';
import { SqlStore } from './sql-store.ts';
import { StoreError } from './store-error.ts';
import { openSqlite } from './sqlite.ts';
import type { Store } from './store.ts';

/**
 * Opens the store in a SQLite file and brings it up to date; a file that is not there is made, its
 * directory must exist. The caller closes it. Failures, all `storage`: the file cannot be read, is
 * damaged, belongs to another program or to a newer version; it then stays as it is.
 */
export async function openStore(path: string): Promise<Result<Store, Failure>> {
  const sql = openSqlite(path);
  if (!sql.ok) return sql;
  try {
    const migrated = await migrate(sql.value);
    if (migrated.ok) return ok(new SqlStore(sql.value));
    await sql.value.close();
    return migrated;
  } catch (thrown) {
    await sql.value.close();
    if (thrown instanceof StoreError) return err(thrown.failure);
    throw thrown;
  }
}
