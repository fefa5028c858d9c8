import type { Store } from '../../../src/store/store.ts';

/** A kind of store, as the suites need it. */
export interface StoreHarness {
  readonly name: string;
  /** A module that exports `open(location): Promise<Store>`; child processes import it too. */
  readonly openerUrl: string;
  /** A place for a database, empty; its owner disposes of it. */
  newLocation(): Promise<AsyncDisposable & { readonly location: string }>;
}

/** Opens a store of that kind, which the caller closes. */
export async function openStoreAt(harness: StoreHarness, location: string): Promise<Store> {
  const opener: { open(at: string): Promise<Store> } = await import(harness.openerUrl);
  return opener.open(location);
}

/** Calls `body` with a new store of that kind, and closes it. */
export async function withNewStore(
  harness: StoreHarness,
  body: (store: Store, location: string) => Promise<void>,
): Promise<void> {
  await using place = await harness.newLocation();
  const store = await openStoreAt(harness, place.location);
  try {
    await body(store, place.location);
  } finally {
    await store.close();
  }
}
