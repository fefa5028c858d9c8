/** What an upload may be at most; the service's settings carry the same names. */
export interface MediaLimits {
  /** Largest picture in pixels (width × height). */
  readonly pixelsMax: number;
  /** Longest source in seconds. */
  readonly durationSecMax: number;
  /** Most streams in a source. */
  readonly streamsMax: number;
}
