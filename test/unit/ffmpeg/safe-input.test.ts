import { describe, expect, test } from 'vitest';
import {
  allowedDemuxers,
  ownInputOptions,
  safeInputOptions,
  safeProbeOptions,
} from '../../../src/ffmpeg/safe-input.ts';

const limits = { pixelsMax: 1_000_000, durationSecMax: 60, streamsMax: 8 };

const demuxers =
  'mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,wav,aiff,caf,mp3,aac,flac,amr,ac3,gif,mxf,dv';

const decoders =
  'h264,hevc,vp8,vp9,libdav1d,libaom-av1,av1,mpeg4,mpeg2video,mpeg1video,h263,flv,vc1,' +
  'wmv1,wmv2,wmv3,msmpeg4,msmpeg4v2,mjpeg,prores,dnxhd,dvvideo,theora,gif,png,rawvideo,' +
  'ffv1,huffyuv,ffvhuff,aac,mp3float,mp3,mp2float,mp2,ac3,eac3,opus,libopus,vorbis,flac,' +
  'alac,amrnb,amrwb,wmav1,wmav2,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,' +
  'pcm_f32le,pcm_u8,pcm_alaw,pcm_mulaw,adpcm_ima_wav,adpcm_ms';

describe('safe input options', () => {
  test('are exactly these before an input of ffmpeg', () => {
    expect(safeInputOptions(limits)).toEqual([
      '-protocol_whitelist',
      'file',
      '-max_streams',
      '8',
      '-probesize',
      '20M',
      '-analyzeduration',
      '20M',
      '-max_pixels',
      '1000000',
      '-format_whitelist',
      demuxers,
      '-codec_whitelist',
      decoders,
    ]);
  });

  test('let ffprobe see other sound tracks and subtitles as well', () => {
    const known =
      'dca,truehd,mlp,srt,subrip,ass,ssa,mov_text,webvtt,text,dvdsub,dvbsub,pgssub,cc_dec';
    expect(safeProbeOptions(limits).at(-1)).toBe(`${decoders},${known}`);
    expect(safeProbeOptions(limits).slice(0, -1)).toEqual(safeInputOptions(limits).slice(0, -1));
  });

  test('allow no demuxer that opens other files', () => {
    const opening = ['hls', 'dash', 'concat', 'sdp', 'imf', 'image2', 'svg_pipe', 'lavfi', 'rtsp'];
    expect(opening.filter((name) => allowedDemuxers.includes(name))).toEqual([]);
  });

  test('keep an own file to the disk', () => {
    expect(ownInputOptions).toEqual(['-protocol_whitelist', 'file']);
  });
});
