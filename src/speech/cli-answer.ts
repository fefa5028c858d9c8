import { z } from 'zod';
import { failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { toSegment } from './engine-words.ts';
import type { TranscriptSegment } from './recognizer.ts';

/** What whisper.cpp's command line found in one recording. */
export interface CliAnswer {
  /** ISO 639-1. */
  readonly language: string;
  /** In milliseconds from the recording's start, in order; text as it came. */
  readonly segments: readonly TranscriptSegment[];
}

/** Milliseconds. */
const offsets = z.object({ from: z.number(), to: z.number() });

/** The part of a `--output-json-full` file that is read; the same from early 2024 to this day. */
const schema = z.object({
  result: z.object({ language: z.string() }),
  transcription: z.array(
    z.object({
      offsets,
      text: z.string(),
      tokens: z.array(z.object({ text: z.string(), offsets: offsets.optional() })).default([]),
    }),
  ),
});

/** Reads a `--output-json-full` file of whisper.cpp. Failure: `tool`. */
export function parseCliAnswer(json: string): Result<CliAnswer, Failure> {
  try {
    const { result, transcription } = schema.parse(JSON.parse(withoutControls(json)));
    return ok({ language: result.language, segments: transcription.map(readSegment) });
  } catch (error) {
    return err(failureFromThrown(error, 'tool', 'The speech engine’s answer can’t be read.'));
  }
}

/** It escapes quotes and backslashes and nothing else: a line break in a text would be bad JSON. */
function withoutControls(json: string): string {
  return json.replaceAll(/\p{Cc}/gu, ' ');
}

function readSegment({
  offsets: { from, to },
  text,
  tokens,
}: z.infer<typeof schema>['transcription'][number]): TranscriptSegment {
  const spoken = tokens
    .filter((token) => !isMark(token.text))
    .map((token) => ({
      startMs: token.offsets?.from ?? from,
      endMs: token.offsets?.to ?? from,
      text: token.text,
    }));
  return toSegment({ startMs: from, endMs: to, text }, spoken);
}

/** Tokens that stand for no text: `[_BEG_]`, `[_TT_62]`, `<|endoftext|>`. */
function isMark(text: string): boolean {
  return /^(\[_.*\]|<\|.*\|>)$/.test(text);
}
