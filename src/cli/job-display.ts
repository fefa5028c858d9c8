import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/units.ts';
import type { JobNotice, JobView } from './job-view.ts';
import { lineColumns, renderLine, span, type Line } from './text.ts';
import { describeNotice } from './notice-text.ts';
import type { Screen } from './screen.ts';
import { renderTree } from './tree.ts';

/** Shows a job while it runs. */
export interface JobDisplay {
  /** Takes the newest state of the job. */
  show(view: JobView): void;
  /** Takes something that happened; `view` is the state after it. */
  notice(notice: JobNotice, view: JobView): void;
  /** Says something about the command itself, e.g. that it is being cancelled. */
  say(text: string): void;
  /** Shows the last state and leaves the screen as it was found. Idempotent. */
  close(): void;
}

/** The display that fits the screen: a tree on a terminal, else one line per event. */
export function createJobDisplay(screen: Screen, clock: Clock): JobDisplay {
  return screen.isTerminal ? new LiveDisplay(screen, clock) : new PlainDisplay(screen);
}

/** Time between two pictures: 10 a second look smooth and cost nothing. */
const frameMs = 100;

/** ECMA-48 and xterm control sequences. */
const escape = {
  cursorUp: (rows: number) => (rows > 0 ? `\u001B[${rows}A\r` : '\r'),
  eraseLine: '\u001B[2K',
  eraseBelow: '\u001B[J',
  hideCursor: '\u001B[?25l',
  showCursor: '\u001B[?25h',
  /** Synchronized output: the terminal shows the picture at once, without flicker. */
  beginPicture: '\u001B[?2026h',
  endPicture: '\u001B[?2026l',
};

/**
 * Draws the tree over itself, ten times a second and on every resize.
 *
 * ```
 * new ─ show ─▶ drawing ─ close ─▶ closed
 * ```
 */
export class LiveDisplay implements JobDisplay {
  readonly #screen: Screen;
  readonly #clock: Clock;
  #view: JobView | undefined;
  /** Columns of each line of the picture on the screen. */
  #drawn: readonly number[] = [];
  #cancelTimer: (() => void) | undefined;
  #stopResize: (() => void) | undefined;
  #note: Line | undefined;
  #isClosed = false;

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
  }

  show(view: JobView): void {
    if (this.#isClosed) return;
    const isFirst = this.#view === undefined;
    this.#view = view;
    if (!isFirst) return;
    this.#screen.write(escape.hideCursor);
    this.#stopResize = this.#screen.onResize(() => this.#draw());
    this.#tick();
  }

  notice(_notice: JobNotice, view: JobView): void {
    this.show(view);
  }

  say(text: string): void {
    this.#note = [span(text, 'warn')];
    this.#draw();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#stopResize?.();
    if (this.#view === undefined) return;
    this.#draw();
    this.#screen.write(escape.showCursor);
  }

  #tick(): void {
    this.#draw();
    this.#cancelTimer = this.#clock.after(frameMs, () => this.#tick());
  }

  #draw(): void {
    if (this.#view === undefined) return;
    const { columns, rows } = this.#screen.size();
    const { style } = this.#screen;
    const notes = this.#note === undefined ? [] : [this.#note];
    const tree = renderTree(this.#view, {
      nowMs: this.#clock.nowMs(),
      width: columns,
      // The cursor stands below the picture, and the first of its lines must not scroll away.
      rowsMax: Math.max(1, rows - 1 - notes.length),
      style,
    });
    const lines = [...tree, ...notes];
    // Line over line: a terminal whose screen is erased from the top keeps a copy in its history.
    const text = lines
      .map((line) => `${escape.eraseLine}${renderLine(line, columns, style)}\n`)
      .join('');
    const up = escape.cursorUp(drawnRows(this.#drawn, columns));
    this.#screen.write(escape.beginPicture + up + text + escape.eraseBelow + escape.endPicture);
    this.#drawn = lines.map((line) => Math.min(lineColumns(line), columns));
  }
}

/**
 * Rows that the last picture takes now: a terminal that became narrower has wrapped its longer lines.
 */
export function drawnRows(lineWidths: readonly number[], columns: number): number {
  return lineWidths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
}

/** Writes one line per event, for files, pipes and logs. */
export class PlainDisplay implements JobDisplay {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  show(): void {}

  notice(notice: JobNotice, view: JobView): void {
    const text = describeNotice(notice, view);
    if (text === undefined) return;
    const at = formatDuration(Math.max(0, notice.atMs - view.createdAtMs)).padStart(9);
    const line: Line = [span(at, 'dim'), span(`  ${text}`)];
    const { style } = this.#screen;
    this.#screen.write(`${renderLine(line, Number.POSITIVE_INFINITY, style)}\n`);
  }

  say(text: string): void {
    this.#screen.write(`${text}\n`);
  }

  close(): void {}
}
