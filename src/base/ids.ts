import { randomBytes } from 'node:crypto';

/** What every job id looks like: 128 random bits as 22 base64url characters. Check before any path join. */
export const jobIdPattern = /^[A-Za-z0-9_-]{22}$/;

/** A fresh, unguessable job id ({@link jobIdPattern}). */
export function newJobId(): string {
  return randomBytes(16).toString('base64url');
}
