import type { MediaProbe, VideoTrack } from '../graph/media-probe.ts';
import type { Size } from './geometry.ts';
import { assumedVideo } from './assumed-media.ts';

/** The x264 presets that a pipeline may name, fastest first. */
export const x264Presets = [
  'ultrafast',
  'superfast',
  'veryfast',
  'faster',
  'fast',
  'medium',
  'slow',
  'slower',
  'veryslow',
] as const;

/** An x264 preset. */
export type X264Preset = (typeof x264Presets)[number];

/**
 * CPU seconds that starting one ffmpeg or ffprobe costs: 0.25 where they are linked with all that Debian
 * gives them (5.1), 0.1 for the bundled ones. For clips of seconds it is most of a light node's work.
 */
export const spawnCoreSec = 0.2;

/** CPU seconds per source pixel of decoding H.264 (30 s of 1080p film: 7.2 s, ffmpeg 5.1). */
export const decodeCoreSecPerPixel = 3.9e-9;

/** The video that estimates are made for: the source's, or a short 1080p clip before the probe. */
export function videoOf(media: MediaProbe | undefined): VideoTrack {
  return media?.video ?? assumedVideo;
}

/** How many frames a video has, about. */
export function frameCount(video: VideoTrack): number {
  return video.durationSec * video.framesPerSecond;
}

/** Pixels of one stored frame. */
export function codedPixels(video: VideoTrack): number {
  return video.codedWidth * video.codedHeight;
}

/** Pixels of a picture. */
export function pixels(size: Size): number {
  return size.width * size.height;
}
