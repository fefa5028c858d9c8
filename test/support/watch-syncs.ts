import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** A file or directory that was made durable. */
export interface Sync {
  /** Absolute. */
  readonly path: string;
  /** What lay in the directory just before; empty for a file. */
  readonly names: readonly string[];
}

/** The syncs of this process, in their order, until it is disposed. */
export interface SyncWatch extends Disposable {
  readonly syncs: readonly Sync[];
}

/** Notes what is synced (fsync(2)) through handles of `node:fs/promises`. Only on Linux, which names open files. */
export async function watchSyncs(): Promise<SyncWatch> {
  const handles = await handlePrototype();
  const original: (this: FileHandle) => Promise<void> = Reflect.get(handles, 'sync');
  const syncs: Sync[] = [];
  handles.sync = async function sync(this: FileHandle): Promise<void> {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`);
    const names = statSync(path).isDirectory() ? readdirSync(path) : [];
    await original.call(this);
    syncs.push({ path, names });
  };
  return {
    syncs,
    [Symbol.dispose]: () => {
      handles.sync = original;
    },
  };
}

async function handlePrototype(): Promise<FileHandle> {
  await using handle = await open(import.meta.filename, 'r');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all handles have it
  return Object.getPrototypeOf(handle) as FileHandle;
}
