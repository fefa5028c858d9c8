/** 1024 bytes. */
export const kibibyte = 1024;
/** 1024² bytes. */
export const mebibyte = 1024 * kibibyte;
/** 1024³ bytes. */
export const gibibyte = 1024 * mebibyte;

/** Bytes as a short text with binary units: `8176582` → `7.8 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  // A value that rounding would take to 1024.0 belongs to the next unit already.
  while (Number(value.toFixed(unit === 0 ? 0 : 1)) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/**
 * Milliseconds as a short text: `950` → `950 ms`, `12345` → `12.3 s`, `90000` → `1 min 30 s`; in minutes
 * however many there are.
 */
export function formatDuration(durationMs: number): string {
  // Each unit is chosen by the rounded value: 59.96 s are a minute, not `60.0 s`.
  if (Math.round(durationMs) < 1000) return `${Math.round(durationMs)} ms`;
  const tenths = Math.round(durationMs / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
