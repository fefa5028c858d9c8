import type { Cue } from './caption-cues.ts';
import { formatTimestamp } from './timestamp.ts';

/**
 * Captions as WebVTT (W3C WebVTT, 4.1): UTF-8 without a byte order mark, lines end with LF. Without
 * cues it is a file that players take and show nothing of.
 *
 * @param language goes into the header when it is a code of two or three letters, and not `und`.
 */
export function toWebVtt(cues: readonly Cue[], language: string): string {
  const isKnown = /^[a-z]{2,3}$/.test(language) && language !== 'und';
  const header = isKnown ? `WEBVTT\nLanguage: ${language}\n` : 'WEBVTT\n';
  const blocks = cues.map(({ startMs, endMs, lines }) => {
    const times = `${formatTimestamp(startMs, '.')} --> ${formatTimestamp(endMs, '.')}`;
    return `${times}\n${lines.map(escapeText).join('\n')}\n`;
  });
  return [header, ...blocks].join('\n');
}

/** Spoken `<`, `&` and `-->` are text, not markup (4.2.2). */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
