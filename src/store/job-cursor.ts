import { failure } from '../base/failure.ts';
import { StoreError } from './store-error.ts';

/** A place in the list of jobs, newest first: behind this job. */
export interface JobCursor {
  readonly createdAtMs: number;
  readonly id: string;
}

/** The cursor as the opaque text that clients hand back. */
export function formatJobCursor({ createdAtMs, id }: JobCursor): string {
  return Buffer.from(JSON.stringify([createdAtMs, id])).toString('base64url');
}

/**
 * Reads a text of {@link formatJobCursor}.
 *
 * @throws StoreError `invalid_request` for any other text.
 */
export function parseJobCursor(text: string): JobCursor {
  const [createdAtMs, id] = decode(text);
  if (typeof createdAtMs !== 'number' || !Number.isSafeInteger(createdAtMs)) throw notACursor();
  if (typeof id !== 'string') throw notACursor();
  return { createdAtMs, id };
}

function decode(text: string): readonly unknown[] {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(decoded) ? decoded : [];
  } catch {
    return [];
  }
}

function notACursor(): StoreError {
  return new StoreError(
    failure('invalid_request', '"after" must be the "next" of the page before.'),
  );
}
