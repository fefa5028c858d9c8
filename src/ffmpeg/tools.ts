import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { mediaEnvironment } from './environment.ts';
import type { MediaLimits } from './limits.ts';
import type { MediaTools, MediaToolVersions } from './media-tools.ts';
import { probeFile } from './probe.ts';
import { runCommand } from './run.ts';
import { DirectStarter } from '../processes/direct-starter.ts';
import type { Launch } from '../processes/launch.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import type { ToolContext } from './tool-context.ts';
import type { Toolchain } from './toolchain.ts';
import { verifyOutput } from './verify.ts';

/** What the media tools are made of. */
export interface MediaToolsParts {
  readonly toolchain: Toolchain;
  readonly limits: MediaLimits;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Starts the children, and is closed by who made it; they are started directly by default. */
  readonly starter?: ProcessStarter;
  /** A launcher around every child; none by default. */
  readonly launch?: Launch;
  /** Wall-clock limit of one probe in milliseconds. */
  readonly probeLimitMs?: number;
  /** Longest wall-clock time of a run in milliseconds: its CPU time is limited to that of its threads. */
  readonly runLimitMs?: number;
  /** How long a run may stand still before it is ended, in milliseconds. */
  readonly stallLimitMs?: number;
}

/** A good file is probed in 0.1 s, a hostile one may never end: 20 s also serve a slow, busy disk. */
const probeLimitMsDefault = 20_000;

/**
 * A day. Whoever wants a run to end sooner aborts it; this is for one that is left alone, by a service
 * that was killed or stands still.
 */
const runLimitMsDefault = 86_400_000;

/** A run moves several times a second; one that has not for a minute never will. */
const stallLimitMsDefault = 60_000;

/** The media tools over a toolchain. Starts nothing. */
export function createMediaTools(parts: MediaToolsParts): MediaTools {
  const context: ToolContext = {
    toolchain: parts.toolchain,
    limits: parts.limits,
    logger: parts.logger,
    clock: parts.clock,
    starter: parts.starter ?? new DirectStarter(),
    launch: parts.launch ?? ((argv) => argv),
    environment: mediaEnvironment(parts.toolchain.searchPath),
    probeLimitMs: parts.probeLimitMs ?? probeLimitMsDefault,
    runLimitMs: parts.runLimitMs ?? runLimitMsDefault,
    stallLimitMs: parts.stallLimitMs ?? stallLimitMsDefault,
  };
  return {
    versions: versionsOf(parts),
    probe: (path, signal) => probeFile(path, signal, context),
    run: (command, control) => runCommand(command, control, context),
    verify: (path, expected, signal) => verifyOutput({ path, expected, signal }, context),
  };
}

function versionsOf({ toolchain, limits }: MediaToolsParts): MediaToolVersions {
  const { ffmpeg, ffprobe } = toolchain;
  const { pixelsMax, durationSecMax, streamsMax } = limits;
  return {
    programs: `ffmpeg ${ffmpeg.version.text}, ffprobe ${ffprobe.version.text}`,
    limits: { pixelsMax, durationSecMax, streamsMax },
  };
}
