import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { RunReport } from '../ffmpeg/media-tools.ts';
import type { MediaProbe, VideoTrack } from '../graph/media-probe.ts';

/** Between which lengths something decoded has to lie, in seconds. */
export interface LengthBounds {
  /** What the file declares, for the message. */
  readonly declaredSec: number;
  readonly minSec: number;
  readonly maxSec: number;
}

/**
 * What an encode of one track may last. A decoder exits with 0 on half a film, and a gap in the
 * timestamps turns two seconds into hours, so declared and decoded time are compared. The track may
 * begin later than the longest one, and the gap is filled: hence the longest one bounds from above.
 * Shares and slack were tuned on awkward but good films: ±10 %, −0.5 s, +2.5 s.
 */
export function lengthBounds(trackSec: number, media: MediaProbe): LengthBounds {
  return {
    declaredSec: trackSec,
    minSec: Math.max(0, 0.9 * trackSec - 0.5),
    maxSec: 1.1 * media.durationSec + 2.5,
  };
}

/**
 * {@link lengthBounds} of a video track: its last frame may lack its duration, which is half of the
 * film at most, whatever frame rate the file declares.
 */
export function videoLengthBounds(video: VideoTrack, media: MediaProbe): LengthBounds {
  const bounds = lengthBounds(video.durationSec, media);
  const frameSec = Math.min(1 / video.framesPerSecond, video.durationSec / 2);
  return { ...bounds, minSec: Math.max(0, bounds.minSec - frameSec) };
}

/** Checks the length of what was made of the source: `truncated` when too short, `corrupt` when too long. */
export function checkLength(actualSec: number, bounds: LengthBounds): Result<void, Failure> {
  const { declaredSec, minSec, maxSec } = bounds;
  if (actualSec >= minSec && actualSec <= maxSec) return ok(undefined);
  const figures = `${actualSec.toFixed(1)} s could be decoded of the ${declaredSec.toFixed(1)} s that the file declares`;
  return err(
    actualSec < minSec
      ? failure(
          'truncated',
          `The file ends too early: ${figures}. Upload it again; if that does not help, copy it anew from where it was made.`,
        )
      : failure(
          'corrupt',
          `The times in the file are wrong: ${figures}. Export it anew and upload that.`,
        ),
  );
}

/**
 * Why an output is not as it should be although ffmpeg ended well: where nothing was decoded, the source
 * is at fault, and another attempt would find it no better.
 */
export function explainInvalid(invalid: Failure, { outTimeSec }: RunReport): Failure {
  if (invalid.code !== 'invalid_output' || outTimeSec > 0) return invalid;
  const message = 'Nothing of the file can be decoded. Export or download it anew and upload that.';
  return failure('corrupt', message, invalid.message);
}
