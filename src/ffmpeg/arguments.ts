import { assert } from '../base/assert.ts';
import type { FfmpegCommand, FfmpegInput, FfmpegOutput } from './command.ts';
import type { MediaLimits } from './limits.ts';
import { allocationOptions, ownInputOptions, safeInputOptions } from './safe-input.ts';
import type { FrameTimesOption } from './version.ts';

/** What a command's arguments depend on besides the command. */
export interface ArgumentSettings {
  /** Thread budget, ≥ 1. */
  readonly threads: number;
  /** Expected length of the output in seconds; bounds what a lying file can make. */
  readonly durationSec: number;
  readonly limits: MediaLimits;
  readonly frameTimesOption: FrameTimesOption;
}

/** The arguments of a run, in the parts that they consist of; every element is one token. */
export interface ArgumentPlan {
  readonly global: readonly string[];
  readonly inputs: readonly { readonly options: readonly string[]; readonly source: string }[];
  readonly outputs: readonly { readonly options: readonly string[]; readonly target: string }[];
}

/**
 * Share of decoding errors above which a run fails. ffmpeg's own limit of 2/3 lets through films
 * that are mostly damage; a few broken frames are no reason to refuse a film.
 */
const errorRateMax = '0.3';

/** Plans the arguments of a command: its own options with the safety, thread and metadata options. */
export function planArguments(command: FfmpegCommand, settings: ArgumentSettings): ArgumentPlan {
  assert(command.inputs.length > 0, 'an ffmpeg command needs an input');
  assert(command.outputs.length > 0, 'an ffmpeg command needs an output');
  assert(settings.threads >= 1, 'an ffmpeg command needs a thread');
  return {
    global: globalOptions(settings.threads),
    inputs: command.inputs.map((input) => planInput(input, settings)),
    outputs: [
      ...command.outputs.map((output) => planOutput(output, command, settings)),
      ...planReading(command.alsoRead ?? [], settings),
    ],
  };
}

/**
 * Threads for decoding, and for filtering, out of a budget of which the encoder gets all. The film is
 * decoded and filtered in turns with being encoded, so the shares overlap. Runnable threads on
 * average, 1080p to 720p with libx264 (veryfast, medium), ffmpeg 5.1: budget 1: 1.0; budget 2: 1.8,
 * 1.9; budget 3: 3.2; budget 4: 3.2, 3.9. With the whole budget for each of them it is 3.0 of 2 and
 * 5.3 of 4.
 */
function decoderThreads(threads: number): string {
  return String(Math.ceil(threads / 2));
}

function globalOptions(threads: number): readonly string[] {
  const filterThreads = decoderThreads(threads);
  return [
    ['-nostdin', '-hide_banner', '-v', 'error', '-y'],
    ['-progress', 'pipe:1', '-max_error_rate', errorRateMax],
    ['-filter_threads', filterThreads, '-filter_complex_threads', filterThreads],
    allocationOptions,
  ].flat();
}

function planInput(input: FfmpegInput, settings: ArgumentSettings): ArgumentPlan['inputs'][number] {
  const safety = input.isOwn === true ? ownInputOptions : safeInputOptions(settings.limits);
  return {
    options: [...safety, '-threads', decoderThreads(settings.threads), ...input.options],
    source: `file:${input.path}`,
  };
}

function planOutput(
  output: FfmpegOutput,
  command: FfmpegCommand,
  settings: ArgumentSettings,
): ArgumentPlan['outputs'][number] {
  // The outputs of one command are encoded at the same time and share the budget.
  const threads = Math.max(1, Math.floor(settings.threads / command.outputs.length));
  const isUntrusted = command.inputs.some((input) => input.isOwn !== true);
  return {
    options: [
      ['-map_metadata', '-1', '-map_chapters', '-1', '-threads', String(threads)],
      isUntrusted ? ['-t', String(longestOutputSec(settings.durationSec))] : [],
      output.keepsFrameTimes === true ? [settings.frameTimesOption, 'vfr'] : [],
      output.options,
    ].flat(),
    target: `file:${output.path}`,
  };
}

/** ffmpeg reads only what it has an output for: one that copies packets and drops them will do. */
function planReading(
  streams: readonly string[],
  settings: ArgumentSettings,
): ArgumentPlan['outputs'] {
  if (streams.length === 0) return [];
  const maps = streams.flatMap((stream) => ['-map', stream]);
  const length = ['-t', String(longestOutputSec(settings.durationSec))];
  return [{ options: [...maps, ...length, '-c', 'copy', '-f', 'null'], target: 'file:/dev/null' }];
}

/** A file may declare two seconds and decode to five hours: 10 % and 3 s beyond its word is the end. */
function longestOutputSec(durationSec: number): number {
  return Math.ceil((durationSec * 1.1 + 3) * 1000) / 1000;
}
