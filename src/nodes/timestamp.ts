/**
 * A time as captions write it, `HH:MM:SS` and milliseconds behind `mark`: 3723004 and `.` →
 * `01:02:03.004`. From 100 hours on, the hours have more digits.
 *
 * @param timeMs whole milliseconds, ≥ 0.
 */
export function formatTimestamp(timeMs: number, mark: '.' | ','): string {
  const seconds = Math.floor(timeMs / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${clock}${mark}${String(timeMs % 1000).padStart(3, '0')}`;
}
