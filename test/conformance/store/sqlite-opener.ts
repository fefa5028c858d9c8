import { required } from '../../../src/base/assert.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';

/** Opens the SQLite store at a file path, or throws. */
export async function open(location: string): Promise<Store> {
  const opened = await openStore(location);
  return required(opened.ok ? opened.value : undefined, `store at ${location}`);
}
