import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Why there are no mounts for whoever is not root. */
const needsRoot = 'only root may mount a file system';

/**
 * Mounts an empty file system in memory of so many bytes; a sentence says why it can't be. Disposing
 * takes it away, whatever still works in it.
 */
export async function mountMemory(path: string, bytes: number): Promise<AsyncDisposable | string> {
  return mount(path, ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
}

/** Makes a directory read-only, for root as well; likewise. */
export async function mountReadOnly(path: string): Promise<AsyncDisposable | string> {
  const mounted = await mount(path, ['--bind', path, path]);
  if (typeof mounted !== 'string') await run('mount', ['-o', 'remount,bind,ro', path]);
  return mounted;
}

async function mount(path: string, args: readonly string[]): Promise<AsyncDisposable | string> {
  if (process.getuid?.() !== 0) return needsRoot;
  try {
    await run('mount', [...args]);
  } catch (thrown) {
    return `this machine lets nobody mount: ${String(thrown)}`;
  }
  return {
    async [Symbol.asyncDispose]() {
      await run('umount', ['--lazy', path]);
    },
  };
}
