import { jobIdPattern } from '../base/ids.ts';

/** A storage key's parts. */
export interface StorageKey {
  readonly jobId: string;
  /** The artifact's file name. */
  readonly name: string;
}

/** Names that are safe in every file system, URL and object store; a leading dot is left to temporary files. */
const namePattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/** Takes `<jobId>/<artifact name>` apart; undefined when it is anything else, such as a way out of the store. */
export function parseStorageKey(key: string): StorageKey | undefined {
  const [jobId = '', name = '', ...rest] = key.split('/');
  const isKey = rest.length === 0 && jobIdPattern.test(jobId) && namePattern.test(name);
  return isKey ? { jobId, name } : undefined;
}
