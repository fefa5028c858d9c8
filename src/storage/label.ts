/** Longest label in characters (code points). */
const labelLengthMax = 255;

/** The label of a file whose client gave no usable name. */
const unnamedLabel = 'upload';

/**
 * Characters that a label must not hold: controls, and the invisible marks that turn the direction of
 * text, with which `gpj.exe` can be made to read as `exe.jpg`.
 */
const hiddenCharacters = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * What a client calls a file, as a label to show: the part after the last slash of either kind, NFC,
 * without control characters, 1–255 characters. It is still untrusted text and never a path.
 */
export function toLabel(name: string): string {
  const visible = name.toWellFormed().normalize('NFC').replace(hiddenCharacters, '');
  const base = visible.slice(Math.max(visible.lastIndexOf('/'), visible.lastIndexOf('\\')) + 1);
  const label = Array.from(base.trim()).slice(0, labelLengthMax).join('').trim();
  return label === '' || label === '.' || label === '..' ? unnamedLabel : label;
}
