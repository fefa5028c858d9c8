import type { WriteStream } from 'node:tty';
import { renderLine, type Line, type Style } from './text.ts';

/** Where the command line writes for a person: a terminal, or a file or pipe. */
export interface Screen {
  readonly isTerminal: boolean;
  readonly style: Style;
  /** Its size in characters; a file has no limit. */
  size(): ScreenSize;
  write(text: string): void;
  /** Calls back after each change of size; the returned function ends that. */
  onResize(callback: () => void): () => void;
}

/** A size in characters. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The size taken for a terminal that does not tell (that of the VT100). */
const sizeDefault: ScreenSize = { columns: 80, rows: 24 };

/** The screen behind a standard stream. Ownership of the stream stays with the process. */
export function screenOf(stream: WriteStream, env: NodeJS.ProcessEnv): Screen {
  const isTerminal = stream.isTTY && env.TERM !== 'dumb';
  return {
    isTerminal,
    style: { color: hasColor(isTerminal, env), unicode: hasUnicode(env) },
    size: () =>
      isTerminal
        ? {
            columns: stream.columns || sizeDefault.columns,
            rows: stream.rows || sizeDefault.rows,
          }
        : { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY },
    write: (text) => void stream.write(text),
    onResize(callback) {
      stream.on('resize', callback);
      return () => void stream.off('resize', callback);
    },
  };
}

/** Writes lines, each cut to the width of the screen. */
export function writeLines(screen: Screen, lines: readonly Line[]): void {
  const { columns } = screen.size();
  screen.write(lines.map((line) => `${renderLine(line, columns, screen.style)}\n`).join(''));
}

/**
 * `NO_COLOR` (no-color.org: any value that is not empty) beats everything, then `FORCE_COLOR` as Node
 * reads it (`0` and `false` switch off), then whether a terminal is there.
 */
function hasColor(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined) return !['0', 'false'].includes(env.FORCE_COLOR);
  return isTerminal;
}

/**
 * POSIX order of the locale variables. No locale at all is taken for UTF-8 (containers, macOS
 * services); the Linux console's font lacks most symbols.
 */
function hasUnicode(env: NodeJS.ProcessEnv): boolean {
  if (env.TERM === 'linux') return false;
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => Boolean(value));
  return locale === undefined || /utf-?8/i.test(locale);
}
