import { gibibyte, kibibyte, mebibyte } from '../base/units.ts';

/** Bytes per unit: powers of 1000 (ISO/IEC 80000-13 decimal prefixes) and of 1024 (binary ones). */
const bytesPerUnit: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: kibibyte,
  mib: mebibyte,
  gib: gibibyte,
  tib: 1024 * gibibyte,
};

const secondsPerUnit: Readonly<Record<string, number>> = {
  '': 1,
  ms: 0.001,
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
};

/** `1024`, `500MB`, `1.5 GiB` → whole bytes, rounded; undefined when it is nothing of the kind. */
export function parseBytes(text: string): number | undefined {
  const bytes = parseQuantity(text, bytesPerUnit);
  return bytes === undefined ? undefined : Math.round(bytes);
}

/** `90`, `90s`, `1.5h`, `500ms` → seconds; undefined when it is nothing of the kind. */
export function parseSeconds(text: string): number | undefined {
  return parseQuantity(text, secondsPerUnit);
}

/** The seconds that stand for a time without an end. */
export const forEverSec = Number.MAX_SAFE_INTEGER;

/** A duration as {@link parseSeconds} takes it, or `forever`, which is {@link forEverSec}. */
export function parseRetention(text: string): number | undefined {
  return text.trim().toLowerCase() === 'forever' ? forEverSec : parseSeconds(text);
}

/** The text that {@link parseRetention} takes back to the same. */
export function formatRetention(seconds: number): string {
  return seconds === forEverSec ? 'forever' : formatExactSeconds(seconds);
}

/** A plain decimal number; undefined for everything else that `Number` would take (empty, `0x10`). */
export function parseDecimal(text: string): number | undefined {
  return parseQuantity(text, { '': 1 });
}

/** Bytes in the largest binary unit that leaves no fraction: `2147483648` → `2GiB`. */
export function formatExactBytes(bytes: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find((name) => isMultiple(bytes, bytesPerUnit, name));
  return unit === undefined
    ? String(bytes)
    : `${bytes / (bytesPerUnit[unit.toLowerCase()] ?? 1)}${unit}`;
}

/** Seconds in hours, minutes or seconds, the largest that leaves no fraction: `14400` → `4h`. */
export function formatExactSeconds(seconds: number): string {
  const unit = ['h', 'min'].find((name) => isMultiple(seconds, secondsPerUnit, name)) ?? 's';
  return `${seconds / (secondsPerUnit[unit] ?? 1)}${unit}`;
}

function isMultiple(
  value: number,
  factors: Readonly<Record<string, number>>,
  unit: string,
): boolean {
  const factor = factors[unit.toLowerCase()] ?? 1;
  return value >= factor && value % factor === 0;
}

function parseQuantity(
  text: string,
  factors: Readonly<Record<string, number>>,
): number | undefined {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  if (match === null) return undefined;
  const [, digits, unit = ''] = match;
  const factor = Object.hasOwn(factors, unit.toLowerCase())
    ? factors[unit.toLowerCase()]
    : undefined;
  return factor === undefined ? undefined : Number(digits) * factor;
}
