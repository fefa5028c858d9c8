import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodeOf } from '../../src/base/error-code.ts';
import type { StoredResultRow } from './stored-jobs.ts';

/** What the kept results are compared with. */
export interface CacheParts {
  /** Absolute path of the data directory. */
  readonly dataDir: string;
  readonly results: readonly StoredResultRow[];
  /** Most that they may take, in bytes. */
  readonly bytesMax: number;
}

/**
 * Compares what lies in `cache/` with its index: each result whole and as recorded, nothing that no row
 * knows, nothing half on its way in, and all of it within its limit.
 */
export function checkCache({ dataDir, results, bytesMax }: CacheParts): readonly string[] {
  const root = join(dataDir, 'cache');
  const keys = new Set(results.map(({ key }) => key));
  const indexed = results.reduce((sum, { bytes }) => sum + bytes, 0);
  const stray = namesIn(root).filter((name) => !keys.has(name));
  const onDisk = results.reduce((sum, { key }) => sum + bytesBelow(join(root, key)), 0);
  const taken = Math.max(indexed, onDisk);
  return [
    ...stray.map((name) => `I5 cache/${name} is left behind`),
    ...results.flatMap((result) => checkResult(root, result)),
    ...(taken > bytesMax ? [`I5 the cache takes ${taken} bytes of ${bytesMax}`] : []),
  ];
}

function checkResult(root: string, { key, files }: StoredResultRow): readonly string[] {
  const place = `cache/${key}`;
  // What is the upload itself, every job brings along.
  const kept = files.filter(({ isUpload }) => isUpload !== true);
  const names = namesIn(join(root, key));
  const known = new Set(kept.map(({ name }) => name));
  return [
    ...names.filter((name) => !known.has(name)).map((name) => `I5 ${place}/${name} is left behind`),
    ...kept.flatMap(({ name, sha256 }) => {
      if (!names.includes(name)) return [`I2 ${place}/${name} is not there`];
      const isSame = digestOf(join(root, key, name)) === sha256;
      return isSame ? [] : [`I2 ${place}/${name} is not what was kept`];
    }),
  ];
}

/** Undefined where it went meanwhile. */
function digestOf(path: string): string | undefined {
  const content = ifThere(() => readFileSync(path));
  return content && createHash('sha256').update(content).digest('hex');
}

function bytesBelow(directory: string): number {
  return namesIn(directory)
    .map((name) => ifThere(() => lstatSync(join(directory, name)).size) ?? 0)
    .reduce((sum, bytes) => sum + bytes, 0);
}

function namesIn(directory: string): readonly string[] {
  return ifThere(() => readdirSync(directory)) ?? [];
}

function ifThere<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
