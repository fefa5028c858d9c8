import type { MediaProbe } from '../graph/media-probe.ts';

/** Demuxers of formats whose times may jump, as ffmpeg marks them (`AVFMT_TS_DISCONT`). */
const jumpingDemuxers: ReadonlySet<string> = new Set(['mpegts', 'mpeg', 'ogg']);

/**
 * What a run on one track of the source also has to read, so that runs on different tracks agree on
 * the time zero. Where times may jump, ffmpeg counts from the first of the streams that it was told to
 * use and not from the beginning of the file: a broadcast whose sound begins half a second before its
 * picture would be out of sync by that much when each is encoded alone.
 *
 * @returns streams as `-map` takes them.
 */
export function sharedTimeline(media: MediaProbe): readonly string[] {
  const { video, audio, formatName } = media;
  if (video === undefined || audio === undefined) return [];
  const jumps = formatName.split(',').some((name) => jumpingDemuxers.has(name));
  return jumps ? [`0:${video.index}`, `0:${audio.index}`] : [];
}
