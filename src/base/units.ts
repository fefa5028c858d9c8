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
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds as a short text: `950` → `950 ms`, `12345` → `12.3 s`, `90000` → `1 min 30 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`;
  const minutes = Math.floor(durationMs / 60_000);
  return `${minutes} min ${Math.round((durationMs % 60_000) / 1000)} s`;
}
