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
import type { Storage } from '../storage/storage.ts';
import { describeProducts } from './manifest.ts';
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

/** Stores the job's products, each with its checksum, and last the manifest that lists them. */
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
      const stored = await putAll(storage, attempt, products);
      if (!stored.ok) return stored;
      const manifest = await writeManifest(attempt, products);
      const last = await put(storage, attempt, manifest);
      return last.ok ? ok({ files: [{ name: manifestName, sha256: manifest.sha256 }] }) : last;
    },
  };
}

/** What storing a file takes. */
type StoredFile = Pick<InputArtifact, 'name' | 'path' | 'bytes' | 'sha256' | 'mediaType'>;

/** Starts the puts in order, a few at a time; after a failure no more are started. */
async function putAll(
  storage: Storage,
  attempt: NodeAttempt<PublishParams>,
  products: readonly InputArtifact[],
): Promise<Result<void, Failure>> {
  const waiting = [...products];
  let storedCount = 0;
  let firstFailure: Failure | undefined;
  const putNext = async (): Promise<void> => {
    while (firstFailure === undefined) {
      const product = waiting.shift();
      if (product === undefined) return;
      const result = await put(storage, attempt, product);
      if (!result.ok) firstFailure ??= result.error;
      storedCount += 1;
      attempt.onProgress(storedCount / (products.length + 1));
    }
  };
  await Promise.all(Array.from({ length: parallelPuts }, putNext));
  return firstFailure === undefined ? ok(undefined) : err(firstFailure);
}

async function put(
  storage: Storage,
  { jobId, signal }: NodeAttempt<PublishParams>,
  { name, path, bytes, sha256, mediaType }: StoredFile,
): Promise<Result<void, Failure>> {
  if (signal.aborted) return err(failure('cancelled', 'Publishing was stopped.'));
  return storage.put({ key: `${jobId}/${name}`, path, bytes, sha256, mediaType }, signal);
}

async function writeManifest(
  { jobId, media, outputDirectory }: NodeAttempt<PublishParams>,
  products: readonly InputArtifact[],
): Promise<StoredFile> {
  const described = await Promise.all(
    products.map(async (artifact) => ({
      artifact,
      facts: await readMediaFacts(artifact.path, artifact.mediaType),
    })),
  );
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
