/** What is known of a media file before any frame is decoded. Validated, typed and in display terms. */
export interface MediaProbe {
  /** ffprobe's demuxer names, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly formatName: string;
  /** The longest stream's duration in seconds, > 0. Never the container's: a subtitle track stretches that. */
  readonly durationSec: number;
  /** Size of the file in bytes. */
  readonly bytes: number;
  /** The video track to show (never cover art); absent for audio files. */
  readonly video?: VideoTrack;
  /** The audio track to hear (the default one, else the first); absent for silent films. */
  readonly audio?: AudioTrack;
}

/** A video track. */
export interface VideoTrack {
  /** ffmpeg's stream index in the file. */
  readonly index: number;
  /** ffmpeg's codec name, e.g. `h264`. */
  readonly codec: string;
  /** Width in stored pixels, before rotation and sample aspect ratio. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** Width in square pixels as a viewer sees it: after sample aspect ratio and rotation; may be odd. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** Clockwise turn that a player applies. */
  readonly rotationDegrees: 0 | 90 | 180 | 270;
  /** Width of a stored pixel divided by its height, > 0. */
  readonly sampleAspectRatio: number;
  /** ffmpeg's pixel format name, e.g. `yuv420p`. */
  readonly pixelFormat: string;
  /** Average frames per second, > 0. */
  readonly framesPerSecond: number;
  readonly isInterlaced: boolean;
  readonly durationSec: number;
  /** ffmpeg's color transfer name when tagged, e.g. `smpte2084` (PQ), `arib-std-b67` (HLG), `bt709`. */
  readonly colorTransfer?: string;
  /** ffmpeg's color space (YCbCr matrix) name when tagged, e.g. `bt709`, `smpte170m`, `bt2020nc`. */
  readonly colorMatrix?: string;
}

/** An audio track. */
export interface AudioTrack {
  readonly index: number;
  readonly codec: string;
  /** Number of channels, ≥ 1. */
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly durationSec: number;
  /** ISO 639-2 language tag of the container, when there is one and it is not `und`. */
  readonly language?: string;
}
