import type { AudioTrack, MediaProbe, VideoTrack } from '../../../src/graph/media-probe.ts';

/** A 1080p film track with what a test changes. */
export function videoTrack(changes: Partial<VideoTrack> = {}): VideoTrack {
  return {
    index: 0,
    codec: 'hevc',
    codedWidth: 1920,
    codedHeight: 1080,
    displayWidth: changes.codedWidth ?? 1920,
    displayHeight: changes.codedHeight ?? 1080,
    rotationDegrees: 0,
    sampleAspectRatio: 1,
    pixelFormat: 'yuv420p',
    framesPerSecond: 30,
    isInterlaced: false,
    durationSec: 10,
    colorTransfer: 'bt709',
    ...changes,
  };
}

/** A stereo track with what a test changes. */
export function audioTrack(changes: Partial<AudioTrack> = {}): AudioTrack {
  return {
    index: 1,
    codec: 'aac',
    channels: 2,
    sampleRateHz: 44_100,
    durationSec: 10,
    ...changes,
  };
}

/** A film with sound. */
export function film(
  video: Partial<VideoTrack> = {},
  audio: Partial<AudioTrack> = {},
): MediaProbe & { readonly video: VideoTrack; readonly audio: AudioTrack } {
  return {
    formatName: 'mov,mp4,m4a,3gp,3g2,mj2',
    durationSec: 10,
    bytes: 1_000_000,
    video: videoTrack(video),
    audio: audioTrack(audio),
  };
}
