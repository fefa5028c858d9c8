import { z } from 'zod';
import { gibibyte } from '../base/units.ts';
import { conditionLengthMax, conditionPattern } from './condition-text.ts';
import { durationPattern, memoryPattern, parseDuration, parseMemory } from './quantities.ts';

/** What names of pipelines and nodes look like. They become parts of paths and of URLs. */
export const namePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** What names of parameters look like. */
export const paramNamePattern = /^[a-z][A-Za-z0-9_-]{0,62}$/;

/** Most nodes of a pipeline; a job of that size still plans in milliseconds. */
export const nodesMax = 500;

/** Most parameters of a pipeline. */
export const paramsMax = 50;

/** Most cores that a definition may ask for: more than any host has, and a typing error is found. */
export const coresMax = 1024;

/** Most memory that a definition may ask for in bytes, likewise. */
export const memoryBytesMax = 16 * 1024 * gibibyte;

/**
 * Limit of an attempt where a node gives none. Sources last 4 hours by default and two cores encode
 * 1080p at about real time, so 6 hours end an attempt that hangs and none that is slow.
 */
export const timeoutDefault = '6h';

/** Attempts where a node gives none: a cause that passes has passed by the third one. */
export const attemptsDefault = 3;

/** Delay before the second attempt where a node gives none; the third waits twice as long. */
export const backoffDefault = '1s';

/** What is said of a name that is none. */
export const nameMessage =
  'must be small letters, digits and hyphens, starting with a letter, at most 63 of them';

const coreCount = z.int().min(1).max(coresMax);

const coreRange = z
  .strictObject({
    min: coreCount.optional().describe('Fewest cores it runs with.'),
    max: coreCount.optional().describe('Most cores it uses.'),
  })
  .refine(({ min = 1, max = coresMax }) => min <= max, {
    path: ['min'],
    error: 'must not be greater than `max`',
  });

const memory = z
  .string()
  .regex(memoryPattern, 'must be an amount of memory such as `1.5 GiB` or `512 MiB`')
  .transform((text) => parseMemory(text) ?? 0)
  .pipe(
    z
      .int()
      .min(1, 'must be more than nothing')
      .max(memoryBytesMax, `must be at most ${memoryBytesMax / gibibyte} GiB`),
  );

function durationBetween(shortest: string, longest: string) {
  return z
    .string()
    .regex(durationPattern, 'must be a duration such as `500ms`, `2s`, `30m` or `6h`')
    .transform((text) => parseDuration(text) ?? 0)
    .pipe(
      z
        .number()
        .min(parseDuration(shortest) ?? 0, `must be at least ${shortest}`)
        .max(parseDuration(longest) ?? 0, `must be at most ${longest}`),
    );
}

/** The keys of a node. */
export const nodeShape = {
  uses: z.string().describe('The node kind.'),
  needs: z
    .array(z.string())
    .default([])
    .describe('Nodes that have to end first. Their artifacts are this node’s inputs.'),
  with: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Parameters of the kind. A value `${{ params.x }}` stands for a job parameter.'),
  when: z
    .string()
    .max(conditionLengthMax)
    .meta({ pattern: conditionPattern() })
    .optional()
    .describe('Condition on the source, e.g. `media.video && media.shortSide > 720`.'),
  optional: z
    .boolean()
    .default(false)
    .describe('Whether its failure is only a warning and its dependents still run.'),
  retry: z
    .strictObject({
      attempts: z.int().min(1).max(10).default(attemptsDefault).describe('Attempts in all.'),
      backoff: durationBetween('0s', '10m')
        .prefault(backoffDefault)
        .describe('Delay before the second attempt; doubles with each further one.'),
    })
    .prefault({})
    .describe('How often and how fast a failed attempt is repeated.'),
  timeout: durationBetween('1s', '168h')
    .prefault(timeoutDefault)
    .describe('Wall-clock limit of one attempt.'),
  resources: z
    .strictObject({
      cores: z
        .union([coreCount, coreRange])
        .optional()
        .describe('Cores: a number, or `min` and `max`.'),
      memory: z
        .union([memory, z.int().min(1).max(memoryBytesMax)])
        .optional()
        .describe('Peak memory: bytes, or a text such as `1.5 GiB`.'),
    })
    .optional()
    .describe('Demand; what is given here wins over the estimate of the kind.'),
};

const paramValue = z.union([z.string(), z.number(), z.boolean()]);

/** The keys of a parameter's declaration. */
export const paramShape = {
  type: z.enum(['string', 'number', 'boolean']).describe('What its value is.'),
  description: z.string().optional().describe('What it is for.'),
  default: paramValue.optional().describe('Value where a job gives none.'),
  enum: z.array(paramValue).min(1).max(50).optional().describe('The only values allowed.'),
};

/** The keys of a definition. Parameters and nodes are checked one by one, by the shapes above. */
export const definitionShape = {
  $schema: z.string().optional().describe('For editors; has no meaning here.'),
  name: z
    .string()
    .regex(namePattern, nameMessage)
    .describe('The name that jobs give; that of the file without its extension.'),
  description: z.string().max(2000).optional().describe('What the pipeline makes.'),
  params: z.record(z.string(), z.unknown()).default({}).describe('Parameters that a job may give.'),
  nodes: z.record(z.string(), z.unknown()).describe('The nodes by name.'),
};
