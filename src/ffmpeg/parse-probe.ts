import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { AudioTrack, MediaProbe, VideoTrack } from '../graph/media-probe.ts';
import {
  durationLimit,
  mediaFailure,
  pixelsLimit,
  streamsLimit,
  unsupportedCodec,
} from './errors.ts';
import type { MediaLimits } from './limits.ts';
import { declaredDurationSec, parseRatio, positive } from './probe-answer.ts';
import type { ProbeAnswer, ProbeStream } from './probe-answer.ts';
import { unplayableCodecs } from './safe-input.ts';

/** What is known of a file besides ffprobe's answer. */
export interface ProbedFile {
  readonly bytes: number;
  readonly limits: MediaLimits;
  /** Stream index → length in seconds, where the packets were scanned for it. */
  readonly measuredSec?: ReadonlyMap<number, number>;
}

/** Frame rate of a stream that declares none: the middle of what cameras record. */
const frameRateDefault = 25;

/** Sample aspect ratios beyond this, either way, are nonsense and count as square. */
const aspectRatioMax = 20;

/**
 * Demuxers that guess the duration from a bit rate, or from a header that is often wrong: there the
 * packets have to be scanned.
 */
const guessingDemuxers = new Set([
  'mpeg',
  'asf',
  'flv',
  'gif',
  'aac',
  'mp3',
  'ac3',
  'eac3',
  'amr',
  'amrnb',
  'amrwb',
  'dv',
]);

/**
 * Seconds from zero to the first frame from which on a duration that stands in a tag can't be believed:
 * some programs count it from zero on, others from the first frame.
 */
const startSecMax = 0.25;

/** Whether the durations of an answer can't be believed, or one that is needed is missing. */
export function needsPacketScan(answer: ProbeAnswer): boolean {
  if (answer.format.format_name.split(',').some((name) => guessingDemuxers.has(name))) return true;
  const chosen = [chooseVideo(answer.streams), chooseAudio(answer.streams)];
  return chosen.some((stream) => stream !== undefined && hasDoubtfulDuration(stream));
}

function hasDoubtfulDuration(stream: ProbeStream): boolean {
  if (declaredDurationSec(stream) === undefined) return true;
  const isTag = positive(Number(stream.duration)) === undefined;
  return isTag && Number(stream.start_time) > startSecMax;
}

/**
 * Makes a probe of ffprobe's answer. Failures: `unsupported_format` (neither film nor sound),
 * `unsupported_codec`, `corrupt` (no length), `limit_pixels`, `limit_duration`, `limit_streams`.
 */
export function toMediaProbe(answer: ProbeAnswer, file: ProbedFile): Result<MediaProbe, Failure> {
  const { limits } = file;
  if (answer.streams.length > limits.streamsMax) return err(streamsLimit(limits));
  const videoStream = chooseVideo(answer.streams);
  const audioStream = chooseAudio(answer.streams);
  if (videoStream === undefined && audioStream === undefined) {
    return err(noPlayableStream(answer.streams));
  }
  const durationOf = (stream: ProbeStream): number => streamDurationSec(stream, answer, file);
  const video = videoStream && toVideoTrack(videoStream, durationOf(videoStream));
  const audio = audioStream && toAudioTrack(audioStream, durationOf(audioStream));
  const durationSec = Math.max(video?.durationSec ?? 0, audio?.durationSec ?? 0);
  if (audio !== undefined && !hasPossibleRate(audio)) {
    return err(mediaFailure('corrupt', `Nothing is sampled at ${audio.sampleRateHz} Hz.`));
  }
  if (durationSec <= 0) return err(mediaFailure('corrupt', 'No stream has a duration.'));
  if (durationSec > limits.durationSecMax) return err(durationLimit(limits));
  if (video !== undefined && pixelsOf(video) > limits.pixelsMax) return err(pixelsLimit(limits));
  return ok({
    formatName: answer.format.format_name,
    durationSec,
    bytes: file.bytes,
    ...(video === undefined ? {} : { video }),
    ...(audio === undefined ? {} : { audio }),
  });
}

/** The first film track; cover art is a picture, whatever it says. */
function chooseVideo(streams: readonly ProbeStream[]): ProbeStream | undefined {
  return streams.find(
    (stream) =>
      stream.codec_type === 'video' &&
      stream.disposition?.attached_pic !== 1 &&
      stream.codec_name !== undefined &&
      positive(stream.width ?? 0) !== undefined &&
      positive(stream.height ?? 0) !== undefined,
  );
}

/** The default sound track, else the first; one that can be decoded goes before one that can't. */
function chooseAudio(streams: readonly ProbeStream[]): ProbeStream | undefined {
  const playable = streams.filter(
    (stream) =>
      stream.codec_type === 'audio' &&
      stream.codec_name !== undefined &&
      !unplayableCodecs.has(stream.codec_name) &&
      positive(stream.channels ?? 0) !== undefined,
  );
  return playable.find((stream) => stream.disposition?.default === 1) ?? playable[0];
}

/** Neither film nor sound to choose: because of a codec, or because the file holds none. */
function noPlayableStream(streams: readonly ProbeStream[]): Failure {
  const wanted = streams.find(
    ({ codec_type: type, disposition }) =>
      (type === 'video' && disposition?.attached_pic !== 1) || type === 'audio',
  );
  if (wanted === undefined) {
    return mediaFailure('unsupported_format', 'The file has neither a video nor an audio stream.');
  }
  const codec = wanted.codec_name;
  return codec === undefined || unplayableCodecs.has(codec)
    ? unsupportedCodec(codec)
    : mediaFailure('corrupt', `The ${codec} stream has no size or no channels.`);
}

/** Whether the film track has no size: the decoder found none, or none that it is allowed. */
export function hasUnsizedVideo({ streams }: ProbeAnswer): boolean {
  return (
    chooseVideo(streams) === undefined &&
    streams.some(({ codec_type: type, disposition }) => {
      return type === 'video' && disposition?.attached_pic !== 1;
    })
  );
}

/** The stream's own length; only where it has none at all, the container's word is taken. */
function streamDurationSec(stream: ProbeStream, answer: ProbeAnswer, file: ProbedFile): number {
  return (
    positive(file.measuredSec?.get(stream.index) ?? 0) ??
    declaredDurationSec(stream) ??
    positive(Number(answer.format.duration)) ??
    0
  );
}

function toVideoTrack(stream: ProbeStream, durationSec: number): VideoTrack {
  const codedWidth = stream.width ?? 0;
  const codedHeight = stream.height ?? 0;
  const sampleAspectRatio = toSampleAspectRatio(stream.sample_aspect_ratio);
  const rotationDegrees = rotationOf(stream);
  const width = Math.max(1, Math.round(codedWidth * sampleAspectRatio));
  const isTurned = rotationDegrees === 90 || rotationDegrees === 270;
  return {
    index: stream.index,
    codec: stream.codec_name ?? '',
    codedWidth,
    codedHeight,
    displayWidth: isTurned ? codedHeight : width,
    displayHeight: isTurned ? width : codedHeight,
    rotationDegrees,
    sampleAspectRatio,
    pixelFormat: stream.pix_fmt ?? 'unknown',
    framesPerSecond:
      possibleFrameRate(stream.avg_frame_rate) ??
      possibleFrameRate(stream.r_frame_rate) ??
      frameRateDefault,
    isInterlaced: isInterlaced(stream),
    durationSec,
    ...colorTagsOf(stream),
  };
}

/** Fastest that a film is shot at: phones take 960 frames per second. More is a fault of the file. */
const frameRateMax = 1000;

function possibleFrameRate(text: string | undefined): number | undefined {
  const rate = parseRatio(text);
  return rate === undefined || rate > frameRateMax ? undefined : rate;
}

/** DV tapes are interlaced, though their files do not say so; frames that are not stay as they are. */
function isInterlaced({ codec_name: codec, field_order: order = '' }: ProbeStream): boolean {
  return (
    ['tt', 'bb', 'tb', 'bt'].includes(order) || (codec === 'dvvideo' && order !== 'progressive')
  );
}

/** The color tags that say something; builds differ in whether they leave an absent one out. */
function colorTagsOf(stream: ProbeStream): Pick<VideoTrack, 'colorTransfer' | 'colorMatrix'> {
  const { color_transfer: transfer, color_space: matrix } = stream;
  return {
    ...(isTagged(transfer) ? { colorTransfer: transfer } : {}),
    ...(isTagged(matrix) ? { colorMatrix: matrix } : {}),
  };
}

function isTagged(tag: string | undefined): tag is string {
  return tag !== undefined && tag !== 'unknown' && tag !== 'unspecified' && tag !== 'reserved';
}

function toAudioTrack(stream: ProbeStream, durationSec: number): AudioTrack {
  const language = stream.tags?.['language'];
  return {
    index: stream.index,
    codec: stream.codec_name ?? '',
    channels: stream.channels ?? 1,
    sampleRateHz: positive(Number(stream.sample_rate)) ?? 0,
    durationSec,
    ...(language === undefined || language === 'und' ? {} : { language }),
  };
}

/**
 * Sampling rates that recordings have: telephones and toys begin at a few kilohertz, studios end at
 * 768 kHz. Beyond these resamplers ask for more memory than there is.
 */
const rateHzRange = [1000, 1_536_000] as const;

/** A rate of zero is one that the container does not tell; the decoder will. */
function hasPossibleRate({ sampleRateHz }: AudioTrack): boolean {
  const [least, most] = rateHzRange;
  return sampleRateHz === 0 || (sampleRateHz >= least && sampleRateHz <= most);
}

function toSampleAspectRatio(text: string | undefined): number {
  const ratio = parseRatio(text) ?? 1;
  return ratio > aspectRatioMax || ratio < 1 / aspectRatioMax ? 1 : ratio;
}

/**
 * The turn as players apply it. The display matrix is told in degrees counterclockwise; the `rotate`
 * tag of older builds, which newer ones no longer give, clockwise. Slanted films are left as they are.
 */
function rotationOf(stream: ProbeStream): VideoTrack['rotationDegrees'] {
  const matrix = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation;
  const clockwise = matrix === undefined ? Number(stream.tags?.['rotate'] ?? 0) : -matrix;
  const turned = ((Math.round(clockwise) % 360) + 360) % 360;
  return turned === 90 || turned === 180 || turned === 270 ? turned : 0;
}

function pixelsOf(video: VideoTrack): number {
  return Math.max(video.codedWidth * video.codedHeight, video.displayWidth * video.displayHeight);
}
