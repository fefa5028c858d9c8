import { readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { errorCodeOf } from '../../src/base/error-code.ts';
import type { StoredJobRow } from './stored-jobs.ts';

/** Whether something may lie in a data directory once nothing runs. */
interface Expectation {
  /** Matches a path relative to the data directory; that of an empty directory ends with a slash. */
  readonly path: RegExp;
  /**
   * Whether it may be there; `job` is the one whose id is the group `job` of the path, and
   * undefined when there is no such job. Always, unless it is said.
   */
  readonly isExpected?: (job: StoredJobRow | undefined, path: string) => boolean;
}

/**
 * What may lie in a data directory when every job has ended; whatever no line allows is left behind. A
 * new folder of the product takes a new line here and nothing else.
 */
const expectations: readonly Expectation[] = [
  { path: /^(incoming|scratch|jobs|storage|storage\/\.put|models)\/$/ },
  { path: /^\.lock(-journal)?$/ },
  { path: /^reelgraph\.sqlite(-wal|-shm)?$/ },
  // Results that other jobs may use again: what is right there, `checkCache` says.
  { path: /^cache\// },
  // Speech models, which the operator puts there.
  { path: /^models\// },
  {
    // While it is kept, the job may go on one day.
    path: /^incoming\/(?<job>[^/]+)\/in$/,
    isExpected: (job) => job?.hasSource === true,
  },
  {
    // The directories of attempts stay when their files go.
    path: /^jobs\/(?<job>[^/]+)\/([^/]+\/){1,2}$/,
    isExpected: (job) => job !== undefined,
  },
  {
    path: /^jobs\/(?<job>[^/]+)\/.*[^/]$/,
    isExpected: (job, path) =>
      job !== undefined &&
      artifactsOf(job).some(
        (artifact) => artifact.path === path && (artifact.product || job.hasSource),
      ),
  },
  {
    path: /^storage\/(?<job>[^/]+)\/(?<name>[^/]+)$/,
    isExpected: (job, path) =>
      job?.phase === 'succeeded' &&
      artifactsOf(job).some(({ product, name }) => product && path.endsWith(`/${name}`)),
  },
];

function artifactsOf(job: StoredJobRow): StoredJobRow['nodes'][number]['artifacts'] {
  return job.nodes.flatMap(({ artifacts }) => artifacts);
}

/** The files and empty directories of a data directory, relative to it, that nothing accounts for. */
export function findLeftovers(dataDir: string, jobs: readonly StoredJobRow[]): readonly string[] {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return filesBelow(dataDir).filter((path) => !isAccountedFor(path, byId));
}

function isAccountedFor(path: string, jobs: ReadonlyMap<string, StoredJobRow>): boolean {
  return expectations.some((expectation) => {
    const match = expectation.path.exec(path);
    if (match === null) return false;
    return expectation.isExpected?.(jobs.get(match.groups?.['job'] ?? ''), path) ?? true;
  });
}

/** Files and empty directories, in order; a directory that vanishes meanwhile holds nothing. */
function filesBelow(root: string, below = ''): readonly string[] {
  const entries = entriesOf(join(root, below));
  if (entries.length === 0 && below !== '') return [below];
  return entries.flatMap((entry) => {
    const path = `${below}${entry.name}`;
    return entry.isDirectory() ? filesBelow(root, `${path}/`) : [path];
  });
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
