import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { failure, type Failure } from '../base/failure.ts';
import { kibibyte } from '../base/units.ts';

/** Fewest bytes per second that an upload has to bring, over {@link paceWindowMs}. */
export const uploadBytesPerSecMin = 16 * kibibyte;

/** Over how long an upload's pace is judged, and how long it may stand still, in milliseconds. */
export const paceWindowMs = 30_000;

/** How often the pace is looked at, in milliseconds. */
export const paceIntervalMs = 5_000;

/** How an upload comes in over the last window. */
export type Pace = 'fine' | 'slow' | 'idle';

/** Judges an upload's pace over a sliding window from samples taken every {@link paceIntervalMs}. */
export class PaceMeter {
  readonly #totals: number[] = [0];

  /** Takes the bytes received so far in all; an upload younger than a window is fine. */
  sample(bytesTotal: number): Pace {
    this.#totals.push(bytesTotal);
    if (this.#totals.length <= paceWindowMs / paceIntervalMs) return 'fine';
    const bytes = bytesTotal - (this.#totals.shift() ?? 0);
    if (bytes === 0) return 'idle';
    return bytes < (uploadBytesPerSecMin * paceWindowMs) / 1000 ? 'slow' : 'fine';
  }
}

/** What a guard watches. */
export interface GuardedUpload {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clock: Clock;
}

/**
 * Watches one upload and aborts `signal` when it must not go on; the first cause wins and is kept.
 *
 * ```
 * watching ─▶ finished (finish)
 *    └──────▶ aborted: client gone · too slow · too much · idle (its connection is cut as well)
 * ```
 */
export class UploadGuard {
  readonly #upload: GuardedUpload;
  readonly #controller = new AbortController();
  readonly #meter = new PaceMeter();
  readonly #bytesBefore: number;
  #cause: Failure | undefined;
  readonly #bodyBytesMax: number;
  #cancelTick: () => void = () => {};

  /** `bodyBytesMax` is the largest body in bytes, with all that a form puts around its file. */
  constructor(upload: GuardedUpload, bodyBytesMax: number) {
    this.#upload = upload;
    this.#bodyBytesMax = bodyBytesMax;
    this.#bytesBefore = upload.request.socket.bytesRead;
    upload.response.once('close', this.#onClose);
    if (upload.request.socket.destroyed) this.#onClose();
    else this.#scheduleTick();
  }

  /** Aborted when the upload must end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it had to end; undefined while it may go on. */
  get cause(): Failure | undefined {
    return this.#cause;
  }

  /** Ends the watch: the body is complete, or an answer is on its way. */
  finish(): void {
    this.#cancelTick();
    this.#upload.response.off('close', this.#onClose);
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#upload.clock.after(paceIntervalMs, () => this.#tick());
  }

  /**
   * The socket's own counter is used, because a listener for data would set the stream flowing before
   * its reader is there. A paused stream waits for our disk, which is not the client's fault; a
   * complete one waits for its last bytes to be synced.
   */
  #tick(): void {
    const { request } = this.#upload;
    if (request.complete) return;
    if (request.isPaused()) {
      this.#scheduleTick();
      return;
    }
    const bytes = request.socket.bytesRead - this.#bytesBefore;
    const pace = this.#meter.sample(bytes);
    if (bytes > this.#bodyBytesMax) this.#abort(failure('limit_size', 'The request is too large.'));
    else if (pace === 'slow') this.#abort(tooSlow());
    else if (pace === 'idle') this.#cut();
    else this.#scheduleTick();
  }

  #cut(): void {
    this.#abort(tooSlow());
    this.#upload.request.destroy();
  }

  readonly #onClose = (): void => {
    this.#abort(failure('cancelled', 'The client went away before the upload was complete.'));
  };

  #abort(cause: Failure): void {
    this.finish();
    this.#cause ??= cause;
    this.#controller.abort();
  }
}

function tooSlow(): Failure {
  const seconds = paceWindowMs / 1000;
  const rate = `${uploadBytesPerSecMin / kibibyte} KiB/s`;
  return failure('timeout', `The upload came in at less than ${rate} over ${seconds} seconds.`);
}
