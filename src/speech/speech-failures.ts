import { unreachable } from '../base/assert.ts';
import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { operatorDetail } from '../processes/operator-detail.ts';
import type { ToolEnd } from '../processes/tool-run.ts';
import type { FailedPart } from './child-protocol.ts';

/** What to do about an engine that is missing or does not start. */
export const engineHint =
  'In a checkout, `npm run build:whisper-cli` builds one (needs make and g++); or set REELGRAPH_WHISPER_CLI (--whisper-cli) to a whisper.cpp command line.';

const tooLongSentence = 'The speech took too long to recognize and was given up.';

/** The failure of an engine's process that ended without its answer. */
export function endFailure(end: ToolEnd): Failure {
  const detail = operatorDetail(end);
  switch (end.exit.cause) {
    case 'cancelled':
      return failure('cancelled', 'The work was stopped.');
    case 'timeout':
      return failure('timeout', tooLongSentence, detail);
    case 'stalled':
      return failure(
        'stalled',
        'The speech engine stood still and was given up. Try again.',
        detail,
      );
    case 'flooded':
    case undefined:
      return (
        limitFailure(end) ??
        failure(
          'tool',
          'The speech engine ended without an answer. Try again; if it fails again, choose a smaller model.',
          detail,
        )
      );
    default:
      return unreachable(end.exit.cause);
  }
}

/** The failure of a process that a limit of its resources ended. */
function limitFailure(end: ToolEnd): Failure | undefined {
  const detail = operatorDetail(end);
  const { signal, mayHaveSpentItsCpu } = end.exit;
  if (signal === 'SIGXCPU' || (signal === 'SIGKILL' && mayHaveSpentItsCpu === true)) {
    return failure('timeout', tooLongSentence, detail);
  }
  if (signal !== 'SIGXFSZ') return undefined;
  const message = 'The speech engine wrote more than it may. Choose another model.';
  return failure('limit_size', message, detail);
}

/** The failure that an engine's process told itself. */
export function partFailure(part: FailedPart, detail: string): Failure {
  switch (part) {
    case 'addon':
      return failure(
        'tool',
        `The speech engine can’t be loaded on this machine. ${engineHint}`,
        detail,
      );
    case 'model':
      return modelFailure(detail);
    case 'recording':
      return recordingFailure(detail);
    case 'recognition':
      return failure('tool', 'The speech engine failed. Try again.', detail);
    default:
      return unreachable(part);
  }
}

/** The failure of a model that an engine does not load. */
export function modelFailure(detail: string): Failure {
  const message =
    'The speech model can’t be loaded: it is damaged, or too large for the memory. Fetch it again with `reelgraph model fetch`, or choose a smaller one.';
  return failure('tool', message, detail);
}

/** The failure of a recording that can't be read. */
export function recordingFailure(detail: string): Failure {
  return failure('tool', 'The extracted sound can’t be read. Try again.', detail);
}
