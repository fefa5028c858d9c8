import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { mebibyte } from '../base/units.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import { classifyLimits, classifyProbe, mediaFailure } from './errors.ts';
import { inspectMp4 } from './mp4-boxes.ts';
import { PacketSpans, packetEntries } from './packet-scan.ts';
import { hasUnsizedVideo, needsPacketScan, toMediaProbe } from './parse-probe.ts';
import { parseProbeAnswer, probeEntries } from './probe-answer.ts';
import type { ProbeAnswer } from './probe-answer.ts';
import { limitsOfRun } from './run-limits.ts';
import { allocationOptions, safeProbeOptions } from './safe-input.ts';
import { sniff, sniffBytes } from './sniff.ts';
import { LineSplitter } from '../processes/text-tail.ts';
import type { ToolContext } from './tool-context.ts';
import { runTool } from '../processes/tool-run.ts';
import type { ToolEnd } from '../processes/tool-run.ts';

/**
 * Share of an MP4 file that may be missing: players forgive a film its last frames, and so does the
 * check of the decoded length, which allows 10 %.
 */
const missingShareMax = 0.1;

/** Longest line of a packet scan; real ones have about forty characters. */
const packetLineCharactersMax = 200;

/** Probes an untrusted file; see {@link MediaTools.probe}. */
export async function probeFile(
  path: string,
  signal: AbortSignal,
  context: ToolContext,
): Promise<Result<MediaProbe, Failure>> {
  if (signal.aborted) return err(mediaFailure('cancelled'));
  const looked = await lookAt(path);
  if (!looked.ok) return looked;
  const { bytes, isMedia } = looked.value;
  const { limits } = context;
  const end = await runProbe({ path, signal, arguments: answerArguments(context) }, context);
  const failed = classifyProbe(end, limits, { isMedia });
  if (failed !== undefined) return err(failed);
  const answer = parseProbeAnswer(end.stdout);
  if (!answer.ok) return answer;
  // ffprobe exits with 0 and tells no size of a picture that is beyond the limit.
  const oversized = hasUnsizedVideo(answer.value) ? classifyLimits(end, limits) : undefined;
  if (oversized !== undefined) return err(oversized);
  // Files with a fault of their own are told so before their packets are read.
  const probed = toMediaProbe(answer.value, { bytes, limits });
  if (!needsPacketScan(answer.value)) return probed;
  if (!probed.ok && probed.error.code !== 'corrupt') return probed;
  return scanAndProbe({ path, signal, answer: answer.value, bytes }, context);
}

interface FileFacts {
  readonly bytes: number;
  readonly isMedia: boolean;
}

/** Looks at the file without any tool: most refusals can be told better, and sooner, from here. */
async function lookAt(path: string): Promise<Result<FileFacts, Failure>> {
  try {
    // A name that became a link or a pipe since the upload is not followed and not waited for.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags);
    try {
      return await lookInto(file);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    return err(failureFromThrown(thrown, 'storage', 'The service can’t read the uploaded file.'));
  }
}

async function lookInto(file: FileHandle): Promise<Result<FileFacts, Failure>> {
  const stats = await file.stat();
  if (!stats.isFile()) return err(mediaFailure('unsupported_format', 'It is not a regular file.'));
  const bytes = stats.size;
  if (bytes === 0) return err(mediaFailure('empty'));
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sniffBytes), 0, sniffBytes, 0);
  const kind = sniff(buffer.subarray(0, bytesRead));
  if (kind === 'text') {
    return err(
      mediaFailure('unsupported_format', 'The file starts like a playlist or another text.'),
    );
  }
  if (kind !== 'mp4') return ok({ bytes, isMedia: kind === 'media' });
  const { isEncrypted, isTimeless, missingShare } = await inspectMp4(file, bytes);
  if (isEncrypted) return err(mediaFailure('encrypted', 'A track has encrypted samples.'));
  if (missingShare > missingShareMax) {
    const percent = Math.round(missingShare * 100);
    return err(mediaFailure('truncated', `${percent} % of what the boxes declare is missing.`));
  }
  if (isTimeless) return err(mediaFailure('corrupt', 'The time scale of a track is 0.'));
  return ok({ bytes, isMedia: true });
}

function answerArguments({ limits }: ToolContext): readonly string[] {
  return [...safeProbeOptions(limits), '-show_entries', probeEntries, '-of', 'json'];
}

interface ProbeOrder {
  readonly path: string;
  readonly signal: AbortSignal;
  /** ffprobe's options before the input. */
  readonly arguments: readonly string[];
  readonly onStdout?: (text: string) => void;
}

/** It reads on one thread and may open a decoder on another. It writes no file. */
const probeThreads = 2;

/** Runs ffprobe on a file within the wall-clock limit. */
export function runProbe(order: ProbeOrder, context: ToolContext): Promise<ToolEnd> {
  const { path, signal, onStdout } = order;
  const cwd = dirname(path);
  const argv = [
    [context.toolchain.ffprobe.path, '-v', 'error'],
    allocationOptions,
    order.arguments,
    ['-i', `file:${path}`],
  ].flat();
  return runTool(
    {
      argv: context.launch(argv, cwd),
      cwd,
      env: context.environment,
      access: { read: [path], execute: [context.toolchain.ffprobe.path], change: [] },
      limits: limitsOfRun({
        timeoutMs: context.probeLimitMs,
        threads: probeThreads,
        fileBytesMax: mebibyte,
      }),
      timeoutMs: context.probeLimitMs,
      signal,
      ...(onStdout === undefined ? {} : { onStdout }),
    },
    context,
  );
}

interface ScanOrder {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly answer: ProbeAnswer;
  readonly bytes: number;
}

/** Reads the timestamps of all packets, decoding nothing, and takes the lengths from there. */
async function scanAndProbe(
  { path, signal, answer, bytes }: ScanOrder,
  context: ToolContext,
): Promise<Result<MediaProbe, Failure>> {
  const { limits } = context;
  const spans = new PacketSpans();
  const splitter = new LineSplitter(packetLineCharactersMax, (line) => spans.takeLine(line));
  const options = [...safeProbeOptions(limits), '-show_entries', packetEntries, '-of', 'csv=p=0'];
  const end = await runProbe(
    { path, signal, arguments: options, onStdout: (text) => splitter.append(text) },
    context,
  );
  if (end.exit.cause === 'cancelled') return err(mediaFailure('cancelled'));
  if (end.exit.cause === undefined) {
    return toMediaProbe(answer, { bytes, limits, measuredSec: spans.durations() });
  }
  // Too much to read in time: the declared length has to do, if there is one.
  const probed = toMediaProbe(answer, { bytes, limits });
  return probed.ok ? probed : err(classifyProbe(end, limits, { isMedia: true }) ?? probed.error);
}
