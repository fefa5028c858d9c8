/** How many bytes from the start of a file {@link findTextFormat} wants to see. */
export const sniffBytes = 64;

/**
 * Starts of text files that media tools take for a film, with what they are. Some of them name other
 * files, which is how one user's film once reached another.
 */
const textStarts: readonly (readonly [string, string])[] = [
  ['#extm3u', 'a playlist (M3U or HLS)'],
  ['ffconcat', 'a list of files (ffconcat)'],
  ['<mpd', 'a DASH manifest'],
  ['<svg', 'an SVG drawing'],
  ['<?xml', 'an XML text'],
  ['<!doctype', 'a web page'],
  ['<html', 'a web page'],
  ['v=0', 'a session description (SDP)'],
];

/**
 * What kind of text a file is by its first bytes, as words for a sentence; undefined when it may be
 * media. This is for good errors only: the guard is the allow-list given to the media tools.
 */
export function findTextFormat(head: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(head.subarray(0, sniffBytes)).trimStart().toLowerCase();
  return textStarts.find(([start]) => text.startsWith(start))?.[1];
}
