import { mebibyte } from '../base/units.ts';
import type { MediaLimits } from './limits.ts';

/**
 * Demuxers that an upload may use. What matters is what is missing: every playlist, script, device
 * and picture demuxer (hls, dash, concat, sdp, imf, image2, svg), because those open other files.
 */
export const allowedDemuxers: readonly string[] =
  'mov matroska avi mpegts mpeg flv asf ogg wav aiff caf mp3 aac flac amr ac3 gif mxf dv'.split(
    ' ',
  );

/**
 * Decoders that an upload may use, by ffmpeg's decoder names (not codec names). Unknown names do no
 * harm, so the list serves every build: `libaom-av1` is the AV1 decoder of builds from before dav1d.
 */
export const allowedDecoders: readonly string[] = [
  'h264 hevc vp8 vp9 libdav1d libaom-av1 av1 mpeg4 mpeg2video mpeg1video h263 flv vc1',
  'wmv1 wmv2 wmv3 msmpeg4 msmpeg4v2 mjpeg prores dnxhd dvvideo theora gif png rawvideo',
  'ffv1 huffyuv ffvhuff aac mp3float mp3 mp2float mp2 ac3 eac3 opus libopus vorbis flac',
  'alac amrnb amrwb wmav1 wmav2 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le',
  'pcm_f32le pcm_u8 pcm_alaw pcm_mulaw adpcm_ima_wav adpcm_ms',
].flatMap((names) => names.split(' '));

/**
 * Decoders that a probe must know besides: ffprobe gives no answer at all when the decoder of any
 * stream is off its list, and a second sound track or subtitles are no reason to refuse a film.
 */
export const probeOnlyDecoders: readonly string[] =
  'dca truehd mlp srt subrip ass ssa mov_text webvtt text dvdsub dvbsub pgssub cc_dec'.split(' ');

/** Codecs that a probe may see but a run may not decode: those of `probeOnlyDecoders` with sound. */
export const unplayableCodecs: ReadonlySet<string> = new Set(['dts', 'truehd', 'mlp']);

/** Bytes that ffmpeg may read to find out what a file holds; a phone clip needs far less. */
const probeBytesMax = '20M';

/** Microseconds of film that ffmpeg may read for the same: 20 s. */
const analyzeMicrosecondsMax = '20M';

/** Largest single memory block of ffmpeg: stops picture bombs, lets 4K encodes pass. */
const allocationBytesMax = 128 * mebibyte;

/** Bound of a single allocation, an option of both programs. */
export const allocationOptions: readonly string[] = ['-max_alloc', String(allocationBytesMax)];

/** Options before `-i` that make ffmpeg safe for an untrusted file. */
export function safeInputOptions(limits: MediaLimits): readonly string[] {
  return inputOptions(limits, allowedDecoders);
}

/** The same for ffprobe. */
export function safeProbeOptions(limits: MediaLimits): readonly string[] {
  return inputOptions(limits, [...allowedDecoders, ...probeOnlyDecoders]);
}

/** Options before `-i` for a file that this service made: it is read from the disk and nowhere else. */
export const ownInputOptions: readonly string[] = ['-protocol_whitelist', 'file'];

function inputOptions(limits: MediaLimits, decoders: readonly string[]): readonly string[] {
  return [
    ownInputOptions,
    ['-max_streams', String(limits.streamsMax)],
    ['-probesize', probeBytesMax],
    ['-analyzeduration', analyzeMicrosecondsMax],
    ['-max_pixels', String(limits.pixelsMax)],
    ['-format_whitelist', allowedDemuxers.join(',')],
    ['-codec_whitelist', decoders.join(',')],
  ].flat();
}
