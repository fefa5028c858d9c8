import { join } from 'node:path';
import { z } from 'zod';
import { failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { MediaTools } from '../ffmpeg/media-tools.ts';
import { shareFile } from '../storage/share-file.ts';
import { spawnCoreSec } from './cost.ts';
import type { NodeKind } from './node-kind.ts';

const paramsSchema = z.strictObject({});

/** Parameters of `validate`: none. */
export type ValidateParams = z.infer<typeof paramsSchema>;

const sourceName = 'source';

/**
 * Probes the upload within the limits and makes it the job's source. Only the containers' headers
 * are read: whether everything decodes is seen, and checked, by the kinds that decode.
 */
export function validate(tools: MediaTools): NodeKind<ValidateParams> {
  return {
    name: 'validate',
    version: 1,
    summary: 'Checks that the upload is a film or a recording, and learns its facts.',
    params: paramsSchema,
    inputs: [],
    outputs: () => [
      {
        name: sourceName,
        role: 'source',
        mediaType: 'application/octet-stream',
        product: false,
      },
    ],
    estimate: () => ({
      demand: { coresMin: 1, coresMax: 1, memoryBytes: 128 * mebibyte, ioSlots: 0, gpus: 0 },
      coreSeconds: 2 * spawnCoreSec,
    }),
    // A film that passed may not pass under other limits.
    resultVersion: () => tools.versions && JSON.stringify(tools.versions),
    async run({ upload, outputDirectory, signal }) {
      const probe = await tools.probe(upload.path, signal);
      if (!probe.ok) return probe;
      const media = probe.value;
      if (media.video === undefined && media.audio === undefined) {
        return err(
          failure(
            'unsupported_format',
            'The file holds neither moving pictures nor sound. Upload a film or a recording.',
          ),
        );
      }
      await shareFile(upload.path, join(outputDirectory, sourceName));
      return ok({ files: [{ name: sourceName, sha256: upload.sha256 }], media });
    },
  };
}
