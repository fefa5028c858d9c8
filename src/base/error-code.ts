/**
 * The code that an error carries, such as `ENOENT` of a system call (errno(3)) or `ERR_…` of Node;
 * undefined for an error without one, and for what is no error.
 */
export function errorCodeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
}
