import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { mediaEnvironment } from './environment.ts';
import type { MediaLimits } from './limits.ts';
import type { MediaTools } from './media-tools.ts';
import { probeFile } from './probe.ts';
import { runCommand } from './run.ts';
import type { Launch } from '../processes/launch.ts';
import type { ToolContext } from './tool-context.ts';
import type { Toolchain } from './toolchain.ts';
import { verifyOutput } from './verify.ts';

/** What the media tools are made of. */
export interface MediaToolsParts {
  readonly toolchain: Toolchain;
  readonly limits: MediaLimits;
  readonly logger: Logger;
  readonly clock: Clock;
  /** A launcher around every child; none by default. */
  readonly launch?: Launch;
  /** Wall-clock limit of one probe in milliseconds. */
  readonly probeLimitMs?: number;
  /** How long a run may stand still before it is ended, in milliseconds. */
  readonly stallLimitMs?: number;
}

/** A good file is probed in 0.1 s, a hostile one may never end: 20 s also serve a slow, busy disk. */
const probeLimitMsDefault = 20_000;

/** A run moves several times a second; one that has not for a minute never will. */
const stallLimitMsDefault = 60_000;

/** The media tools over a toolchain. Starts nothing. */
export function createMediaTools(parts: MediaToolsParts): MediaTools {
  const context: ToolContext = {
    toolchain: parts.toolchain,
    limits: parts.limits,
    logger: parts.logger,
    clock: parts.clock,
    launch: parts.launch ?? ((argv) => argv),
    environment: mediaEnvironment(parts.toolchain.searchPath),
    probeLimitMs: parts.probeLimitMs ?? probeLimitMsDefault,
    stallLimitMs: parts.stallLimitMs ?? stallLimitMsDefault,
  };
  return {
    probe: (path, signal) => probeFile(path, signal, context),
    run: (command, control) => runCommand(command, control, context),
    verify: (path, expected, signal) => verifyOutput({ path, expected, signal }, context),
  };
}
