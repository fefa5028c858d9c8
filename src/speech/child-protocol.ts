import { z } from 'zod';

/**
 * What the speech child is told, in one line of JSON on its standard input. It does one thing and ends:
 *
 * - `probe`: load the addon.
 * - `listen`: find where somebody speaks, and pack it into windows.
 * - `recognize`: the same, and recognize each window.
 */
export const childOrder = z.discriminatedUnion('task', [
  z.object({ task: z.literal('probe') }),
  z.object({
    task: z.literal('listen'),
    recordingPath: z.string(),
    sileroPath: z.string().exactOptional(),
  }),
  z.object({
    task: z.literal('recognize'),
    recordingPath: z.string(),
    sileroPath: z.string().exactOptional(),
    modelPath: z.string(),
    /** ISO 639-1, or `auto`. */
    language: z.string(),
    threads: z.number().int().min(1),
    /** How long one window may take, in milliseconds. */
    windowLimitMs: z.number().positive(),
  }),
]);

/** See {@link childOrder}. */
export type ChildTask = z.infer<typeof childOrder>;

const stretch = { startMs: z.number(), endMs: z.number() };
const piece = z.object({ ...stretch, speech: z.array(z.object(stretch)).readonly() });
const word = z.object({ ...stretch, text: z.string() });
const segment = z.object({
  ...stretch,
  text: z.string(),
  words: z.array(word).readonly().exactOptional(),
});

/**
 * What the speech child answers, one line of JSON each: any number of `progress`, then `loaded`, or
 * `heard` with a `recognized` per window (in their order), or `failed`; at last, `done`. A child that
 * ends without `done` or `failed` has crashed.
 */
export const childMessage = z.discriminatedUnion('event', [
  /** The part of the listening that is done, 0…1. */
  z.object({ event: z.literal('progress'), fraction: z.number() }),
  z.object({ event: z.literal('loaded'), version: z.string() }),
  z.object({
    event: z.literal('heard'),
    durationMs: z.number(),
    windows: z.array(z.object({ pieces: z.array(piece).readonly() })).readonly(),
    /** Why Silero was not used, although it was asked for. */
    sileroProblem: z.string().exactOptional(),
  }),
  /** Segments of one window, in milliseconds from its start. */
  z.object({
    event: z.literal('recognized'),
    segments: z.array(segment).readonly(),
    language: z.string().exactOptional(),
  }),
  z.object({
    event: z.literal('failed'),
    part: z.enum(['addon', 'model', 'recording', 'recognition']),
    detail: z.string(),
  }),
  z.object({ event: z.literal('done') }),
]);

/** See {@link childMessage}. */
export type ChildMessage = z.infer<typeof childMessage>;

/** The part of the speech child's work that failed. */
export type FailedPart = Extract<ChildMessage, { event: 'failed' }>['part'];

/** Longest line of an answer, in characters: the windows of a recording of a day have about 2 million. */
export const messageCharactersMax = 16 * 1024 * 1024;
