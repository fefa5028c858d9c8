/**
 * Output options that copy no metadata of streams (titles, device names). Those of the file (the GPS
 * position) and its chapters are left behind by every ffmpeg run, whatever the kind.
 */
export const noStreamMetadata: readonly string[] = ['-map_metadata:s', '-1'];
