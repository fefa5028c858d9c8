import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { failure, failureFromThrown } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { operatorDetail } from '../processes/operator-detail.ts';
import { mediaFailure } from './errors.ts';
import type { OutputExpectation, OutputFacts } from './media-tools.ts';
import { inspectMp4 } from './mp4-boxes.ts';
import { declaredDurationSec, parseProbeAnswer, positive, probeEntries } from './probe-answer.ts';
import type { ProbeAnswer } from './probe-answer.ts';
import { runProbe } from './probe.ts';
import { ownInputOptions } from './safe-input.ts';
import { sniff, sniffBytes } from './sniff.ts';
import type { ToolContext } from './tool-context.ts';

/** An output to verify. */
export interface OutputCheck {
  readonly path: string;
  readonly expected: OutputExpectation;
  readonly signal: AbortSignal;
}

/** Reads an output that this service made and checks it; see {@link MediaTools.verify}. */
export async function verifyOutput(
  { path, expected, signal }: OutputCheck,
  context: ToolContext,
): Promise<Result<OutputFacts, Failure>> {
  if (signal.aborted) return err(mediaFailure('cancelled'));
  const whole = await checkWhole(path);
  if (!whole.ok) return whole;
  const options = [...ownInputOptions, '-show_entries', probeEntries, '-of', 'json'];
  const end = await runProbe({ path, signal, arguments: options }, context);
  if (end.exit.cause === 'cancelled' || end.exit.cause === 'timeout') {
    return err(mediaFailure(end.exit.cause, operatorDetail(end)));
  }
  if (end.exit.code !== 0) return err(invalid('It can’t be read.', operatorDetail(end)));
  const answer = parseProbeAnswer(end.stdout);
  if (!answer.ok) return err(invalid('It can’t be read.', answer.error.operatorDetail));
  const facts = factsOf(answer.value);
  const problems = findProblems(answer.value, facts, expected);
  return problems.length === 0 ? ok(facts) : err(invalid(problems.join(' ')));
}

/** ffprobe believes the header, which comes first: what is missing behind it shows in the size. */
async function checkWhole(path: string): Promise<Result<undefined, Failure>> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size === 0) return err(invalid('It is empty.'));
      const isCut = (await declaredBytes(file, size)) > size;
      return isCut ? err(invalid('Its end is missing.')) : ok(undefined);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    const { message, operatorDetail: detail } = failureFromThrown(
      thrown,
      'invalid_output',
      'It is not there.',
    );
    return err(invalid(message, detail));
  }
}

/** The bytes that an MP4 or WAV file says it has; those that there are for every other one. */
async function declaredBytes(file: FileHandle, bytes: number): Promise<number> {
  const { buffer: head } = await file.read(Buffer.alloc(sniffBytes), 0, sniffBytes, 0);
  if (sniff(head) === 'mp4') return (await inspectMp4(file, bytes)).declaredBytes;
  // RIFF: four letters and the count of the bytes behind these eight.
  return head.toString('latin1', 0, 4) === 'RIFF' ? 8 + head.readUInt32LE(4) : bytes;
}

function invalid(problem: string, detail?: string): Failure {
  return failure('invalid_output', `The result is not as it should be. ${problem}`, detail);
}

function factsOf(answer: ProbeAnswer): OutputFacts {
  const video = answer.streams.find((stream) => stream.codec_type === 'video');
  return {
    durationSec: playedSec(answer),
    ...(video?.width === undefined ? {} : { width: video.width }),
    ...(video?.height === undefined ? {} : { height: video.height }),
  };
}

/** The longest film or sound track; subtitles may end anywhere. Containers without either: their own. */
function playedSec(answer: ProbeAnswer): number {
  const played = answer.streams.filter(({ codec_type: type }) => type !== 'subtitle');
  const durations = played.map((stream) => declaredDurationSec(stream) ?? 0);
  return positive(Math.max(0, ...durations)) ?? positive(Number(answer.format.duration)) ?? 0;
}

function findProblems(
  answer: ProbeAnswer,
  facts: OutputFacts,
  expected: OutputExpectation,
): readonly string[] {
  const problems: string[] = [];
  const streams = answer.streams.map((stream) => stream.codec_type ?? 'unknown').join(', ');
  const wanted = expected.streams.join(', ');
  if (streams !== wanted) problems.push(`It holds ${streams || 'nothing'} instead of ${wanted}.`);
  const { duration, size } = expected;
  if (
    duration !== undefined &&
    !(Math.abs(facts.durationSec - duration.seconds) <= duration.toleranceSec)
  ) {
    const [found, length] = [facts.durationSec, duration.seconds].map((value) => value.toFixed(2));
    problems.push(`It lasts ${found} s instead of ${length} s.`);
  }
  if (size !== undefined && (facts.width !== size.width || facts.height !== size.height)) {
    const found = `${facts.width ?? 0}×${facts.height ?? 0}`;
    problems.push(`Its picture is ${found} instead of ${size.width}×${size.height}.`);
  }
  return problems;
}
