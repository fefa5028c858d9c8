import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { failureCodes } from '../../src/api/problem.ts';

const code = z.enum(failureCodes);
const pair = z.tuple([z.number(), z.number()]);

/** What a product's picture must be like; whatever is absent may be as it likes. */
const pictureSchema = z.strictObject({
  /** Width and height of the rendition. */
  size: pair,
  /** Seconds, within a fifth of one, or within the second number. */
  durationSec: z.number(),
  toleranceSec: z.number().default(0.2),
  /** Names of the colors of the four quarters: above left, above right, below left, below right. */
  quarters: z.array(z.string()).length(4).optional(),
  /** How far a channel may be from those colors, 0…255. */
  colorTolerance: z.number().default(16),
  /** Another set of quarters in the last frame. */
  lastQuarters: z.array(z.string()).length(4).optional(),
  /** Least and most frames. */
  frames: pair.optional(),
  /** No frame is woven of two moments. */
  progressive: z.boolean().default(false),
});

/** What a product's sound must be like. */
const soundSchema = z.strictObject({
  durationSec: z.number(),
  toleranceSec: z.number().default(0.2),
  /** Loudness of each channel in the middle of the track: RMS in dBFS, −90 for silence. */
  levelsDb: z.array(z.number()).optional(),
});

const succeededSchema = z.strictObject({
  outcome: z.literal('succeeded'),
  picture: pictureSchema.optional(),
  sound: soundSchema.optional(),
  /** When flash and beep come, in seconds; they are at most 40 ms apart. */
  syncSec: z.number().optional(),
  /** What the service calls the file. */
  label: z.string().optional(),
  /** Words that the captions hold, in this order. */
  words: z.string().optional(),
});

const expectationSchema = z.discriminatedUnion('outcome', [
  succeededSchema,
  /** No job is made of it. */
  z.strictObject({ outcome: z.literal('refused'), status: z.int(), code }),
  /** The job fails, with one of these. */
  z.strictObject({ outcome: z.literal('failed'), codes: z.array(code).min(1) }),
  /** Damage that one decoder conceals and another does not: both do, as long as nothing else happens. */
  z.strictObject({ outcome: z.literal('either'), codes: z.array(code).min(1) }),
]);

/** What has to come of a case. */
export type Expectation = z.infer<typeof expectationSchema>;
/** Of one that succeeds. */
export type SuccessExpectation = z.infer<typeof succeededSchema>;

/** Case name → what has to come of it. */
export function readExpectations(): Readonly<Record<string, Expectation>> {
  const path = join(import.meta.dirname, '..', '..', 'fixtures', 'corpus', 'expected.json');
  return z.record(z.string(), expectationSchema).parse(JSON.parse(readFileSync(path, 'utf8')));
}
