import { stripVTControlCharacters } from 'node:util';

/** What a piece of text means; a terminal shows it as a color. */
export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'busy' | 'warn' | 'bad';

/** A piece of text with its meaning. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of output as data, so that it can be cut to a width without cutting escape sequences. */
export type Line = readonly Span[];

/** What the output can show. */
export interface Style {
  readonly color: boolean;
  /** Whether symbols and bars beyond ASCII may be used. */
  readonly unicode: boolean;
}

/** The SGR parameters of each tone (ECMA-48, the 16 colors that every terminal theme defines). */
const sgrCodes: Readonly<Record<Tone, string>> = {
  plain: '',
  strong: '1',
  dim: '2',
  good: '32',
  busy: '36',
  warn: '33',
  bad: '31',
};

/** Makes a span; text without a tone is plain. */
export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone };
}

/** One line as text: cut to `width` columns with an ellipsis, colored if the style allows it. */
export function renderLine(line: Line, width: number, style: Style): string {
  return cutLine(line, width, style)
    .map((part) => paint(part, style))
    .join('');
}

/** Many lines, without a width limit; for files and pipes. */
export function renderLines(lines: readonly Line[], style: Style): string {
  return lines.map((line) => `${renderLine(line, Number.POSITIVE_INFINITY, style)}\n`).join('');
}

/** Columns that a text takes on a terminal: wide characters take two, combining marks none. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += characterColumns(character);
  return columns;
}

/** Columns that a line takes. */
export function lineColumns(line: Line): number {
  return line.reduce((sum, part) => sum + columnsOf(part.text), 0);
}

/** Pads a text with blanks on the right to `columns`; longer texts stay as they are. */
export function padEndColumns(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

/** Makes a foreign text (a file name, say) safe to print: no escape sequences, no control characters. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '');
}

function paint(part: Span, style: Style): string {
  const code = sgrCodes[part.tone];
  return style.color && code !== '' && part.text !== ''
    ? `\u001B[${code}m${part.text}\u001B[0m`
    : part.text;
}

function cutLine(line: Line, width: number, style: Style): Line {
  if (lineColumns(line) <= width) return line;
  const ellipsis = style.unicode ? '…' : '~';
  const parts: Span[] = [];
  let left = Math.max(0, width - 1);
  for (const part of line) {
    const text = cutText(part.text, left);
    if (text !== '') parts.push({ text, tone: part.tone });
    left -= columnsOf(text);
    if (text !== part.text) break;
  }
  return width < 1 ? [] : [...parts, span(ellipsis, 'dim')];
}

function cutText(text: string, columns: number): string {
  let cut = '';
  let left = columns;
  for (const character of text) {
    left -= characterColumns(character);
    if (left < 0) break;
    cut += character;
  }
  return cut;
}

/**
 * Unicode has no property escape for East Asian Width; these scripts and blocks are its wide ranges
 * for letters (UAX #11), and emoji with emoji presentation are wide by UTS #51.
 */
const wideCharacter =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303E\uFF01-\uFF60\uFFE0-\uFFE6]/u;

function characterColumns(character: string): number {
  // Latin, box drawing and half-width katakana (which is of a wide script).
  if (/^[\u0020-\u024F\u2500-\u25FF\uFF61-\uFF9F]/.test(character)) return 1;
  if (/^\p{Mark}/u.test(character)) return 0;
  return wideCharacter.test(character) ? 2 : 1;
}
