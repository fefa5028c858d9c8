import type { Logger } from '../base/logger.ts';
import type { ChildMessage } from './child-protocol.ts';
import { placeSegments } from './place-segments.ts';
import { listeningShare, windowsProgress } from './progress.ts';
import type { TranscriptSegment } from './recognizer.ts';
import type { SpeechWindow } from './speech-windows.ts';

/** Collects what a speech child answers, and turns it into progress. */
export class ChildAnswers {
  readonly #onProgress: (fraction: number) => void;
  readonly #logger: Logger;
  readonly #segments: TranscriptSegment[] = [];
  #windows: readonly SpeechWindow[] = [];
  #recognizedCount = 0;
  #durationMs = 0;
  #language: string | undefined;

  constructor(onProgress: (fraction: number) => void, logger: Logger) {
    this.#onProgress = onProgress;
    this.#logger = logger;
  }

  /** Takes the next message. */
  take(message: ChildMessage): void {
    if (message.event === 'progress') this.#onProgress(listeningShare * message.fraction);
    if (message.event === 'heard') this.#takeHeard(message);
    if (message.event === 'recognized') this.#takeRecognized(message);
  }

  /** The length of the recording, in milliseconds. */
  get durationMs(): number {
    return this.#durationMs;
  }

  /** Where somebody speaks. */
  get windows(): readonly SpeechWindow[] {
    return this.#windows;
  }

  /** Recognized segments, with times of the recording. */
  get segments(): readonly TranscriptSegment[] {
    return this.#segments;
  }

  /** The language that was worked with; absent when nothing was recognized. */
  get language(): string | undefined {
    return this.#language;
  }

  #takeHeard(heard: Extract<ChildMessage, { event: 'heard' }>): void {
    this.#durationMs = heard.durationMs;
    this.#windows = heard.windows;
    if (heard.sileroProblem === undefined) return;
    const fields = { problem: heard.sileroProblem };
    this.#logger.warn(fields, 'the voice-activity model can’t be used; WebRTC’s detector listens');
  }

  #takeRecognized(recognized: Extract<ChildMessage, { event: 'recognized' }>): void {
    const window = this.#windows[this.#recognizedCount];
    if (window === undefined) return;
    this.#recognizedCount += 1;
    this.#segments.push(...placeSegments(window, recognized.segments));
    this.#language ??= recognized.language;
    this.#onProgress(windowsProgress(this.#recognizedCount, this.#windows.length));
  }
}
