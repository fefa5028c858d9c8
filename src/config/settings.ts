import { z } from 'zod';
import { gibibyte } from '../base/units.ts';
import { forEverSec } from './quantities.ts';
import { parseTenantWeights } from './tenant-weights.ts';

/** A text; an empty one is never meant. */
const text = z.string().min(1);

/**
 * Every setting of the service. One schema; names are the same as flags (`--data-dir`), environment
 * variables (`REELGRAPH_DATA_DIR`) and here (`dataDir`). `description` feeds `--help`.
 */
export const settingsSchema = z.strictObject({
  host: text.default('127.0.0.1').describe('Address to listen on.'),
  port: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8080)
    .describe('Port to listen on; 0 takes a free one.'),
  dataDir: text.default('./data').describe('Directory of the database, uploads and products.'),
  pipelines: text.default('./pipelines').describe('Directory of the pipeline definitions.'),
  modelsDir: text
    .optional()
    .describe('Directory of the speech models; by default models/ in the data directory.'),
  modelsUrl: text
    .default('https://huggingface.co')
    .describe('Where models are fetched from: Hugging Face, or a mirror with the same paths.'),
  whisperModel: text
    .default('base')
    .describe('Speech model: a published name such as base.en, or the path of a ggml file.'),
  recognizer: z
    .enum(['auto', 'addon', 'cli'])
    .default('auto')
    .describe('Speech engine: the prebuilt addon, or a whisper.cpp command line.'),
  whisperCli: text.optional().describe('Path of a whisper.cpp command-line program.'),
  cores: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Cores to use at most; by default all that this process may use.'),
  memoryBytes: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Memory to plan with at most; by default what this process may use, less a reserve.'),
  tenantWeights: text
    .refine((value) => parseTenantWeights(value) !== undefined)
    .optional()
    .describe('Shares of the host between tenants who have work at a time; 1 for each by default.'),
  ffmpegPath: text
    .optional()
    .describe('Path of ffmpeg; by default the one on PATH, else the bundled one.'),
  ffprobePath: text.optional().describe('Path of ffprobe; likewise.'),
  sandbox: z
    .enum(['required', 'auto', 'off'])
    .default('auto')
    .describe('Keeps media programs to their own files, off the network.'),
  uploadBytesMax: z.coerce
    .number()
    .int()
    .min(1)
    .default(50 * gibibyte)
    .describe('Largest upload.'),
  cacheBytesMax: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'Room for results that other jobs may use again; by default a tenth of the disk, 0 keeps none.',
    ),
  scratchBytesMax: z.coerce
    .number()
    .int()
    .min(1)
    .default(64 * gibibyte)
    .describe('Largest file that a tool may write; what would grow beyond it fails (limit_size).'),
  sourceRetentionSec: z.coerce
    .number()
    .min(0)
    .default(24 * 3600)
    .describe('How long after its end a job can be retried: its upload and intermediates stay.'),
  productRetentionSec: z.coerce
    .number()
    .min(0)
    .default(forEverSec)
    .describe('How long products stay after the end of their job; its upload stays no longer.'),
  pixelsMax: z.coerce
    .number()
    .int()
    .min(1)
    .default(36_000_000)
    .describe('Largest picture in pixels (width × height).'),
  durationSecMax: z.coerce
    .number()
    .min(1)
    .default(4 * 3600)
    .describe('Longest source.'),
  streamsMax: z.coerce.number().int().min(1).default(64).describe('Most streams in a source.'),
  stopGraceSec: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(20)
    .describe('How long uploads and short nodes may take to end when the service is told to stop.'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severe log lines to write.'),
});

/** The settings, complete. */
export type Settings = z.infer<typeof settingsSchema>;
