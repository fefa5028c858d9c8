import { failure } from '../base/failure.ts';
import { StoreError } from './store-error.ts';

/**
 * SQLite's primary result codes that the circumstances cause, with what to tell. All others (syntax,
 * constraint, misuse) are mistakes of this program. Numbers: sqlite.org/rescode.html.
 */
const messages: ReadonlyMap<number, string> = new Map([
  [5, 'The database is in use by another program.'],
  [6, 'The database is in use by another program.'],
  [7, 'There is not enough memory for the database.'],
  [8, 'The database cannot be written: it is read-only.'],
  [10, 'The database cannot be read or written: the disk reports an error.'],
  [11, 'The database file is damaged. Restore it from a backup, or move it away to start anew.'],
  [13, 'The disk of the database is full.'],
  [14, 'The database file cannot be opened. Its directory must exist and be writable.'],
  [22, 'The database is larger than this system can handle.'],
  [23, 'Access to the database was refused.'],
  [26, 'The database file is damaged, or it is no database. Restore it, or move it away.'],
]);

/**
 * A throw of `node:sqlite` as {@link StoreError} when the circumstances cause it; anything else as the
 * error it is.
 */
export function toSqliteError(thrown: unknown): unknown {
  if (!(thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number')) {
    return thrown;
  }
  // The low byte is the primary code; extended codes say more in the upper ones.
  const message = messages.get(thrown.errcode & 0xff);
  if (message === undefined) return thrown;
  const detail = `SQLite error ${thrown.errcode}: ${thrown.message}`;
  return new StoreError(failure('storage', message, detail), { cause: thrown });
}
