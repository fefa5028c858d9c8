import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';

/** SQLite's answer to a lock that somebody else holds (sqlite.org/rescode.html#busy). */
const sqliteBusy = 5;

/**
 * Makes sure that one process at a time fetches into a directory of models. The lock is that of an empty
 * SQLite database, because Node has no file locks of its own: the system gives it back when its holder
 * dies, however that happens, so a crash never blocks the next fetch. The empty file `.fetch.lock` stays.
 *
 * Failures: `conflict` (somebody else fetches), `storage`.
 */
export function lockModels(directory: string): Result<Disposable, Failure> {
  let database: DatabaseSync | undefined;
  try {
    const held = new DatabaseSync(join(directory, '.fetch.lock'), { timeout: 0 });
    database = held;
    held.exec('BEGIN EXCLUSIVE');
    return ok({ [Symbol.dispose]: () => held.close() });
  } catch (thrown) {
    database?.close();
    if (thrown instanceof Error && 'errcode' in thrown && thrown.errcode === sqliteBusy) {
      const message = 'Another fetch of a model is under way. Wait until it is done.';
      return err(failure('conflict', message, directory));
    }
    const message = 'The directory of the models cannot be written to.';
    return err(failureFromThrown(thrown, 'storage', message));
  }
}
