import { gibibyte, kibibyte, mebibyte } from '../base/units.ts';

/** What a duration looks like; the source of the pattern in the JSON Schema too. */
export const durationPattern = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/;

/** What an amount of memory looks like; likewise. */
export const memoryPattern = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB)$/;

const millisecondsPer: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const bytesPer: Readonly<Record<string, number>> = {
  B: 1,
  KiB: kibibyte,
  MiB: mebibyte,
  GiB: gibibyte,
};

/** `2s`, `500ms`, `1.5h`, `30 m` → whole milliseconds; undefined when it is nothing of the kind. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, durationPattern, millisecondsPer);
}

/** `1.5 GiB`, `512MiB`, `4096 B` → whole bytes; undefined when it is nothing of the kind. */
export function parseMemory(text: string): number | undefined {
  return parseQuantity(text, memoryPattern, bytesPer);
}

function parseQuantity(
  text: string,
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
): number | undefined {
  const match = pattern.exec(text);
  const factor = units[match?.[2] ?? ''];
  return factor === undefined ? undefined : Math.round(Number(match?.[1]) * factor);
}
