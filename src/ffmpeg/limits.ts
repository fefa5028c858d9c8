import { gibibyte } from '../base/units.ts';

/** What an upload may be at most; the service's settings carry the same names. */
export interface MediaLimits {
  /** Largest picture in pixels (width × height). */
  readonly pixelsMax: number;
  /** Longest source in seconds. */
  readonly durationSecMax: number;
  /** Most streams in a source. */
  readonly streamsMax: number;
  /** Bytes of any file that a run writes; {@link scratchBytesMaxDefault} where it is not said. */
  readonly scratchBytesMax?: number;
}

/** More than four hours of film take in the largest rendition, and no disk is filled by one file. */
export const scratchBytesMaxDefault = 64 * gibibyte;
