import type { AudioTrack, MediaProbe, VideoTrack } from '../graph/media-probe.ts';

/** What estimates assume before the source was probed: a short 1080p clip. */
export const assumedVideo: VideoTrack = {
  index: 0,
  codec: 'h264',
  codedWidth: 1920,
  codedHeight: 1080,
  displayWidth: 1920,
  displayHeight: 1080,
  rotationDegrees: 0,
  sampleAspectRatio: 1,
  pixelFormat: 'yuv420p',
  framesPerSecond: 30,
  isInterlaced: false,
  durationSec: 10,
};

/** The sound of that clip. */
export const assumedAudio: AudioTrack = {
  index: 1,
  codec: 'aac',
  channels: 2,
  sampleRateHz: 48_000,
  durationSec: 10,
};

/** That clip. */
export const assumedMedia: MediaProbe = {
  formatName: 'mov,mp4,m4a,3gp,3g2,mj2',
  durationSec: 10,
  bytes: 10_000_000,
  video: assumedVideo,
  audio: assumedAudio,
};
