import type { Cue } from './caption-cues.ts';
import { formatTimestamp } from './timestamp.ts';

/**
 * Captions as SubRip: numbered from 1, UTF-8 without a byte order mark, lines end with LF. The format
 * has no escapes, so an arrow that would look like a line of times is shortened. Without cues it is
 * empty.
 */
export function toSubRip(cues: readonly Cue[]): string {
  return cues
    .map(({ startMs, endMs, lines }, index) => {
      const times = `${formatTimestamp(startMs, ',')} --> ${formatTimestamp(endMs, ',')}`;
      const text = lines.join('\n').replaceAll(/-{2,}>/g, '->');
      return `${index + 1}\n${times}\n${text}\n`;
    })
    .join('\n');
}
