import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { MediaRole } from '../graph/media-role.ts';
import { gatherInOrder } from '../stages/gather.ts';
import type { Storage } from '../storage/storage.ts';
import { describeProducts } from './manifest.ts';
import type { DescribedProduct } from './manifest.ts';
import { readMediaFacts } from './media-facts.ts';
import type { InputArtifact, NodeAttempt, NodeKind } from './node-kind.ts';

const paramsSchema = z.strictObject({});

/** Parameters of `publish`: none. */
export type PublishParams = z.infer<typeof paramsSchema>;

const manifestName = 'manifest.json';

/** What is published, in this order: what a viewer waits for first. */
const publishedRoles: readonly MediaRole[] = [
  'rendition',
  'image',
  'audio',
  'captions',
  'transcript',
];

/** Products stored at the same time: enough to hide a far store's latency, few enough for one disk. */
const parallelPuts = 4;

/** Seconds of work per product: a hard link and a checksum, or an upload. No core is asked for it. */
const secondsPerProduct = 0.05;

/**
 * Stores the job's products, each with its checksum, and then the manifest that lists them. Last it removes
 * what the job published before under other names, by its pipeline of then: what the manifest lists is
 * whole at any time, and a crash in between leaves an attempt that did not end, so all of it is done again.
 */
export function publish(storage: Storage): NodeKind<PublishParams> {
  return {
    name: 'publish',
    version: 1,
    summary: 'Stores the products, verified, and a manifest that lists them.',
    params: paramsSchema,
    inputs: publishedRoles.map((role) => ({ role, take: 'every' })),
    outputs: () => [
      { name: manifestName, role: 'manifest', mediaType: 'application/json', product: true },
    ],
    estimate: () => ({
      demand: { coresMin: 0, coresMax: 0, memoryBytes: 32 * mebibyte, ioSlots: 1, gpus: 0 },
      coreSeconds: secondsPerProduct * publishedRoles.length,
    }),
    async run(attempt) {
      const products = publishedRoles
        .flatMap((role) => attempt.inputs.every(role))
        .filter(({ product }) => product);
      const stored = await storeAll(storage, attempt, products);
      if (!stored.ok) return stored;
      const manifest = await writeManifest(attempt, stored.value);
      const last = await put(storage, attempt, manifest);
      if (!last.ok) return last;
      const removed = await removeOthers(storage, attempt, products);
      return removed.ok
        ? ok({ files: [{ name: manifestName, sha256: manifest.sha256 }] })
        : removed;
    },
  };
}

/** What storing a file takes. */
type StoredFile = Pick<InputArtifact, 'name' | 'path' | 'bytes' | 'sha256' | 'mediaType'>;

/** Reads and stores the products, a few at a time; after a failure no more are started. */
async function storeAll(
  storage: Storage,
  attempt: NodeAttempt<PublishParams>,
  products: readonly InputArtifact[],
): Promise<Result<readonly DescribedProduct[], Failure>> {
  let storedCount = 0;
  const store = async (
    artifact: InputArtifact,
    signal: AbortSignal,
  ): Promise<Result<DescribedProduct, Failure>> => {
    const facts = await readMediaFacts(artifact.path, artifact.mediaType);
    const stored = await put(storage, { jobId: attempt.jobId, signal }, artifact);
    if (!stored.ok) return stored;
    storedCount += 1;
    attempt.onProgress(storedCount / (products.length + 1));
    return ok({ artifact, facts });
  };
  const work = { workers: parallelPuts, handle: store };
  const stored = await gatherInOrder(products, work, attempt.signal);
  return stored.ok && attempt.signal.aborted ? err(stopped()) : stored;
}

async function put(
  storage: Storage,
  { jobId, signal }: Pick<NodeAttempt, 'jobId' | 'signal'>,
  { name, path, bytes, sha256, mediaType }: StoredFile,
): Promise<Result<void, Failure>> {
  if (signal.aborted) return err(stopped());
  return storage.put({ key: `${jobId}/${name}`, path, bytes, sha256, mediaType }, signal);
}

/** Who was stopped may have lost the job to a later attempt, and removes nothing of what that stores. */
async function removeOthers(
  storage: Storage,
  { jobId, signal }: Pick<NodeAttempt, 'jobId' | 'signal'>,
  products: readonly InputArtifact[],
): Promise<Result<void, Failure>> {
  if (signal.aborted) return err(stopped());
  const names = [...products.map(({ name }) => name), manifestName];
  return storage.removeAllBut({ jobId, names }, signal);
}

function stopped(): Failure {
  return failure('cancelled', 'Publishing was stopped.');
}

async function writeManifest(
  { jobId, media, outputDirectory }: NodeAttempt<PublishParams>,
  described: readonly DescribedProduct[],
): Promise<StoredFile> {
  const manifest = describeProducts(jobId, media, described);
  const content = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const path = join(outputDirectory, manifestName);
  await writeFile(path, content, { flag: 'wx' });
  return {
    name: manifestName,
    path,
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    mediaType: 'application/json',
  };
}
