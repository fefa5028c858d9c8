import type { AudioTrack, MediaProbe, VideoTrack } from '../../src/graph/media-probe.ts';

/** A minute of 1920×1080 film with stereo sound; a track given as `undefined` is left out. */
export function probeOf(
  tracks: {
    readonly video?: Partial<VideoTrack> | undefined;
    readonly audio?: Partial<AudioTrack> | undefined;
    readonly durationSec?: number;
  } = {},
): MediaProbe {
  const { video = {}, audio = {}, durationSec = 60 } = tracks;
  const hasVideo = !('video' in tracks) || tracks.video !== undefined;
  const hasAudio = !('audio' in tracks) || tracks.audio !== undefined;
  return {
    formatName: 'mov,mp4,m4a,3gp,3g2,mj2',
    durationSec,
    bytes: 1_000_000,
    ...(hasVideo && { video: { ...videoTrack, durationSec, ...video } }),
    ...(hasAudio && { audio: { ...audioTrack, durationSec, ...audio } }),
  };
}

const videoTrack = {
  index: 0,
  codec: 'h264',
  codedWidth: 1920,
  codedHeight: 1080,
  displayWidth: 1920,
  displayHeight: 1080,
  rotationDegrees: 0,
  sampleAspectRatio: 1,
  pixelFormat: 'yuv420p',
  framesPerSecond: 25,
  isInterlaced: false,
} as const;

const audioTrack = { index: 1, codec: 'aac', channels: 2, sampleRateHz: 48_000 } as const;
