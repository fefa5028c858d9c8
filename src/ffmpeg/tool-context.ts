import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Launch } from '../processes/launch.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import type { MediaLimits } from './limits.ts';
import type { Toolchain } from './toolchain.ts';

/** What every run of a program needs. */
export interface ToolContext {
  readonly toolchain: Toolchain;
  readonly limits: MediaLimits;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly starter: ProcessStarter;
  readonly launch: Launch;
  /** The whole environment of the children. */
  readonly environment: Readonly<Record<string, string>>;
  /** Wall-clock limit of one probe in milliseconds. */
  readonly probeLimitMs: number;
  /** Wall-clock limit that the CPU time of a run follows from, in milliseconds. */
  readonly runLimitMs: number;
  /** How long a run may stand still, in milliseconds. */
  readonly stallLimitMs: number;
}
