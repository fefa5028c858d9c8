import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { errorCodeOf } from '../base/error-code.ts';
import { failure, failureFromThrown, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import type { JobService } from '../jobs/job-service.ts';
import { isScratchName } from './scratch-directory.ts';
import { padEndColumns, printable, span, type Line } from './text.ts';

/** A product in a list for people. */
export interface ListedProduct {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
  /** Where to get it. */
  readonly url?: string;
}

/** The file that says that a directory holds a job's products, and which ones. */
const manifestName = 'manifest.json';

/** What is read of a manifest here. */
const manifestSchema = z.object({
  jobId: z.string(),
  products: z.array(z.object({ name: z.string() })),
});

/** The products, one line each: name, size, type or address. */
export function renderProducts(products: readonly ListedProduct[]): readonly Line[] {
  const nameColumns = Math.max(0, ...products.map(({ name }) => name.length));
  return products.map(({ name, bytes, mediaType, url }) => [
    span(`  ${padEndColumns(printable(name), nameColumns)}  `),
    span(formatBytes(bytes).padStart(9)),
    span(`  ${url ?? mediaType}`, 'dim'),
  ]);
}

/**
 * Refuses, before any work is done, a directory whose files are somebody else's. Fine are: one that
 * does not exist, an empty one, and one that an earlier run made, whose products are then replaced;
 * scratch directories of runs that were killed count as nobody's.
 * Failure: `conflict`.
 */
export async function checkOutputDirectory(directory: string): Promise<Result<void, Failure>> {
  const present = await listFiles(directory);
  if (!present.ok) return present;
  const own = await ownFiles(directory);
  const foreign = present.value.filter((name) => !own.has(name) && !isScratchName(name));
  if (foreign.length === 0) return ok(undefined);
  const example = printable(foreign[0] ?? '');
  return err(
    failure(
      'conflict',
      `${printable(directory)} holds files that reelgraph did not make, such as "${example}". ` +
        'Choose another directory with --out, or pass --force to write into it.',
    ),
  );
}

/** What to copy, and where to. */
export interface CopyRequest {
  readonly jobId: string;
  readonly names: readonly string[];
  readonly directory: string;
  readonly signal: AbortSignal;
}

/**
 * Copies products into a directory. Each file appears whole or not at all; files of the same name are
 * replaced. Failures: `storage`, `cancelled`, those of `openArtifact`.
 */
export async function copyProducts(
  service: Pick<JobService, 'openArtifact'>,
  { jobId, names, directory, signal }: CopyRequest,
): Promise<Result<void, Failure>> {
  for (const name of names) {
    const opened = await service.openArtifact(jobId, name);
    if (!opened.ok) return opened;
    const part = join(directory, `.${name}.part`);
    try {
      await mkdir(directory, { recursive: true });
      await pipeline(opened.value.object.body, createWriteStream(part), { signal });
      await rename(part, join(directory, name));
    } catch (thrown) {
      await rm(part, { force: true });
      if (signal.aborted) return err(failure('cancelled', 'Copying the products was stopped.'));
      const message = `${name} could not be written to ${printable(directory)}.`;
      return err(failureFromThrown(thrown, 'storage', message));
    }
  }
  return ok(undefined);
}

async function listFiles(directory: string): Promise<Result<readonly string[], Failure>> {
  try {
    return ok(await readdir(directory));
  } catch (thrown) {
    if (isMissing(thrown)) return ok([]);
    const message = `${printable(directory)} cannot take the products: it is not a readable directory.`;
    return err(failureFromThrown(thrown, 'conflict', message));
  }
}

async function ownFiles(directory: string): Promise<ReadonlySet<string>> {
  try {
    const text = await readFile(join(directory, manifestName), 'utf8');
    const manifest = manifestSchema.safeParse(JSON.parse(text));
    if (!manifest.success) return new Set();
    return new Set([manifestName, ...manifest.data.products.map(({ name }) => name)]);
  } catch {
    // No manifest, or one that is not ours: then no file in there is ours either.
    return new Set();
  }
}

function isMissing(thrown: unknown): boolean {
  return errorCodeOf(thrown) === 'ENOENT';
}
