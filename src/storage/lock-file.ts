import { DatabaseSync } from 'node:sqlite';
import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';

/** What to tell a person when there is no lock. */
export interface LockMessages {
  /** Somebody else holds it. */
  readonly held: string;
  /** The file cannot be written. */
  readonly unwritable: string;
}

/** SQLite's answer to a lock that somebody else holds (sqlite.org/rescode.html#busy). */
const sqliteBusy = 5;

/**
 * Takes the exclusive lock that a file stands for, without waiting for it; disposing gives it back. The
 * lock is that of an empty SQLite database, because Node has no file locks of its own: the system gives
 * it back when its holder dies, however that happens, so a crash never blocks the next holder. The empty
 * file stays. Within one process a lock has one holder, too.
 *
 * Failures: `conflict` (somebody else holds it), `storage`.
 */
export function lockFile(path: string, messages: LockMessages): Result<Disposable, Failure> {
  let database: DatabaseSync | undefined;
  try {
    const held = new DatabaseSync(path, { timeout: 0 });
    database = held;
    held.exec('BEGIN EXCLUSIVE');
    return ok({ [Symbol.dispose]: () => held.close() });
  } catch (thrown) {
    database?.close();
    if (thrown instanceof Error && 'errcode' in thrown && thrown.errcode === sqliteBusy) {
      return err(failure('conflict', messages.held, path));
    }
    return err(failureFromThrown(thrown, 'storage', messages.unwritable));
  }
}
