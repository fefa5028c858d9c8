import { constants } from 'node:os';
import { failure } from '../base/failure.ts';
import type { Failure, FailureCode } from '../base/failure.ts';
import { formatDuration } from '../base/units.ts';
import type { ChildExit } from '../processes/child.ts';
import { operatorDetail } from '../processes/operator-detail.ts';
import type { ToolReport } from '../processes/operator-detail.ts';
import type { MediaLimits } from './limits.ts';

/** The failures that need no reason but their code, as told to the person who uploaded. */
const sentences = {
  empty: 'The file is empty. Check it on your side and upload it again.',
  unsupported_format:
    'This is not a video or sound file that the service reads. Upload MP4, MOV, MKV, WebM, AVI or another common format.',
  truncated:
    'The file is incomplete: a part of it is missing. Upload it again; if that does not help, copy it anew from where it was made.',
  corrupt: 'The file is damaged and can’t be decoded. Export or download it anew and upload that.',
  encrypted:
    'The file is encrypted (protected against copying). Upload a version without protection.',
  timeout:
    'Reading the file took too long. Upload it again; if that does not help, convert it to MP4 first.',
  stalled: 'The work made no progress any more and was stopped. Try again later.',
  cancelled: 'The work was stopped.',
  limit_size:
    'A file that is made of this film grows larger than the service allows. Cut the film and upload the parts, or ask the operator to raise the limit.',
  storage: 'The service has no room left on its disk. Try again later.',
  resource: 'The service ran short of memory or processes. Try again later.',
  tool: 'The service’s video program failed unexpectedly. Try again; if it fails again, tell the operator.',
} as const satisfies Partial<Record<FailureCode, string>>;

/** A tool that crashed; the file may be as good as any. */
const crashSentence =
  'The service’s video program crashed on this file. Try again; if it fails again, convert it to MP4 and upload that, and tell the operator.';

/** A failure that is told by its code alone. */
export function mediaFailure(code: keyof typeof sentences, detail?: string): Failure {
  return failure(code, sentences[code], detail);
}

/** The file needs a codec that is not decoded here. */
export function unsupportedCodec(codec: string | undefined, detail?: string): Failure {
  const name = codec === undefined ? 'a codec' : `the codec "${codec}"`;
  const message = `The file uses ${name} that this service does not decode. Convert it to H.264 video with AAC sound and upload that.`;
  return failure('unsupported_codec', message, detail);
}

/** The picture is larger than the limit. */
export function pixelsLimit(limits: MediaLimits, detail?: string): Failure {
  const megapixels = (limits.pixelsMax / 1e6).toFixed(1).replace(/\.0$/, '');
  const message = `The picture is too large: at most ${megapixels} million pixels are allowed. Scale it down and upload that.`;
  return failure('limit_pixels', message, detail);
}

/** The file has more tracks than the limit. */
export function streamsLimit(limits: MediaLimits, detail?: string): Failure {
  const message = `The file has too many tracks: at most ${limits.streamsMax} are allowed. Export it with fewer and upload that.`;
  return failure('limit_streams', message, detail);
}

/** The film is longer than the limit. */
export function durationLimit(limits: MediaLimits): Failure {
  const message = `The file is too long: at most ${formatDuration(limits.durationSecMax * 1000)} are allowed. Cut it and upload the parts.`;
  return failure('limit_duration', message);
}

/** Why a run of ffmpeg failed; nothing when it ended well. */
export function classifyRun(report: ToolReport, limits: MediaLimits): Failure | undefined {
  return classifyEnd(report) ?? classifyFullDisk(report) ?? classifyMessages(report, limits);
}

/** Why a probe gave no answer. `isMedia` says that the file starts like a known kind of media file. */
export function classifyProbe(
  report: ToolReport,
  limits: MediaLimits,
  file: { readonly isMedia: boolean },
): Failure | undefined {
  const ended = classifyEnd(report);
  if (ended !== undefined || report.exit.code === 0) return ended;
  const detail = operatorDetail(report);
  if (/Format not on whitelist|Invalid argument|Operation not permitted/.test(report.stderr)) {
    return classifyLimits(report, limits) ?? mediaFailure('unsupported_format', detail);
  }
  const classified = classifyMessages(report, limits);
  if (!file.isMedia) {
    const isTool = classified?.code === 'tool' && !isAboutContent(report);
    const foreign = classifyLimits(report, limits) ?? mediaFailure('unsupported_format', detail);
    return isTool ? classified : foreign;
  }
  const isContent = classified?.code === 'tool' && isAboutContent(report);
  return isContent ? mediaFailure('corrupt', detail) : classified;
}

/** Whether a demuxer or a decoder complained, which they do about what they read: `[hevc @ 0x55…] …`. */
function isAboutContent({ stderr }: ToolReport): boolean {
  return /^\[[\w,]+ @ 0x[0-9a-f]+\]/m.test(stderr);
}

/** What the end itself says, whatever was written: the first cause, a signal, a failed start. */
function classifyEnd(report: ToolReport): Failure | undefined {
  const { exit } = report;
  const detail = operatorDetail(report);
  switch (exit.cause) {
    case 'cancelled':
    case 'stalled':
    case 'timeout':
      return mediaFailure(exit.cause, detail);
    case 'flooded':
      return mediaFailure('corrupt', detail);
    case undefined:
      break;
  }
  if (exit.startError !== undefined) {
    return mediaFailure(isShortage(exit.startError) ? 'resource' : 'tool', detail);
  }
  const limit = limitOf(exit);
  if (limit !== undefined) return mediaFailure(limit, detail);
  switch (exit.signal) {
    case undefined:
      return undefined;
    case 'SIGKILL':
      // Not by us: the kernel's out-of-memory killer, or a container's limit.
      return mediaFailure('resource', detail);
    case 'SIGTERM':
    case 'SIGINT':
    case 'SIGHUP':
      return mediaFailure('tool', detail);
    default:
      // A crash: of this build on this file. Neither is known to be the one at fault.
      return failure('tool', crashSentence, detail);
  }
}

/**
 * Exit codes of ffmpeg after a signal that asks it to end, and after the fourth of them (ffmpeg.c,
 * `sigterm_handler`). SIGXCPU is one of these.
 */
const askedExitCodes = new Set([255, 123]);

/** The limit of a child's resources that ended it, if one did; see {@link ChildLimits}. */
function limitOf(exit: ChildExit): 'limit_size' | 'timeout' | undefined {
  const signal = exit.signal ?? signalOfShell(exit.code);
  if (signal === 'SIGXFSZ') return 'limit_size';
  if (signal === 'SIGXCPU') return 'timeout';
  if (exit.mayHaveSpentItsCpu !== true) return undefined;
  const isAsked = exit.code !== undefined && askedExitCodes.has(exit.code);
  return isAsked || signal === 'SIGKILL' ? 'timeout' : undefined;
}

/** A shell in between ends with 128 and the number of the signal that ended its program. */
function signalOfShell(code: number | undefined): NodeJS.Signals | undefined {
  if (code === 128 + constants.signals.SIGXFSZ) return 'SIGXFSZ';
  return code === 128 + constants.signals.SIGXCPU ? 'SIGXCPU' : undefined;
}

/** Error codes of a start that failed for want of processes, memory or file descriptors (fork(2)). */
const shortageCodes = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

function isShortage(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && shortageCodes.has(error.code);
}

/** What the system says when a disk or a quota is exhausted (errno(3)). */
const fullDiskPattern = /No space left on device|Disk quota exceeded/;

/** What it says of a file beyond its limit, where the signal is ignored or the file system has a limit. */
const fullFilePattern = /File too large/;

/** ffmpeg may exit with 0 although it could not write the end of a file, which is an MP4 file's header. */
function classifyFullDisk(report: ToolReport): Failure | undefined {
  if (fullFilePattern.test(report.stderr)) {
    return mediaFailure('limit_size', operatorDetail(report));
  }
  return fullDiskPattern.test(report.stderr)
    ? mediaFailure('storage', operatorDetail(report))
    : undefined;
}

/**
 * What ffmpeg's messages mean; the first pattern that is found counts. The wording is that of
 * libavutil's error table and has been the same since 2012.
 */
const messageMeanings: readonly (readonly [RegExp, keyof typeof sentences])[] = [
  [/Cannot allocate memory|malloc of size \d+ failed|bad_alloc/, 'resource'],
  [/Resource temporarily unavailable/, 'resource'],
  [/moov atom not found|Truncating packet of size/, 'truncated'],
  [/\b(encrypted|decryption)\b/i, 'encrypted'],
  [
    /Invalid data found|End of file|[Ee]rror while decoding|Conversion failed|Error (?:initializing|submitting)|could not find codec parameters|Decode error rate|Cannot determine format of input|does not contain any stream|matches no streams|Application provided duration: -?\d+ is invalid/,
    'corrupt',
  ],
];

/** Exit code of ffmpeg when the share of decoding errors is above the limit (ffmpeg.c). */
const errorRateExitCode = 69;

function classifyMessages(report: ToolReport, limits: MediaLimits): Failure | undefined {
  if (report.exit.code === 0) return undefined;
  const limit = classifyLimits(report, limits);
  if (limit !== undefined) return limit;
  const detail = operatorDetail(report);
  const meaning = messageMeanings.find(([pattern]) => pattern.test(report.stderr));
  if (meaning !== undefined) return mediaFailure(meaning[1], detail);
  return mediaFailure(report.exit.code === errorRateExitCode ? 'corrupt' : 'tool', detail);
}

/** What of the messages is about a limit or a missing decoder; they count whatever the exit code. */
export function classifyLimits(report: ToolReport, limits: MediaLimits): Failure | undefined {
  const { stderr } = report;
  const detail = operatorDetail(report);
  const codec =
    /Codec \((\w+)\) not on whitelist|[Dd]ecoder \(codec (\w+)\) not found|no decoder found for: (\w+)/.exec(
      stderr,
    );
  if (codec !== null) return unsupportedCodec(codec[1] ?? codec[2] ?? codec[3], detail);
  if (/exceeds max_streams/.test(stderr)) return streamsLimit(limits, detail);
  if (/exceeds specified max pixel count/.test(stderr)) return pixelsLimit(limits, detail);
  return undefined;
}
