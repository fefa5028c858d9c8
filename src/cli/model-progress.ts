import type { Clock } from '../base/clock.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import type { Screen } from './screen.ts';
import { renderLine, span, type Line } from './text.ts';
import { progressBar } from './tree.ts';

/** Shows a download while it runs. */
export interface FetchDisplay {
  /** Takes the bytes that are there; fewer than before after a start from zero. */
  progress(bytesDone: number): void;
  /** Says something beside the figures. */
  say(text: string): void;
  /** Shows the last figures and leaves the screen ready for other lines. Idempotent. */
  close(): void;
}

/** What is being downloaded. */
export interface FetchTitle {
  readonly name: string;
  readonly bytes: number;
}

/** The display that fits the screen: a bar on a terminal, else a line now and then. */
export function createFetchDisplay(screen: Screen, clock: Clock, title: FetchTitle): FetchDisplay {
  return screen.isTerminal
    ? new FetchBar(screen, clock, title)
    : new FetchLines(screen, clock, title);
}

/** Time between two pictures: 10 a second look smooth and cost nothing. */
const frameMs = 100;

/** ECMA-48: back to the first column, and away with the rest of the line. */
const clearLine = '\r\u001B[K';

/** Columns of the bar; a line without it needs about {@link figuresColumns}. */
const barColumns = 24;

/** Columns of name and figures: `large-v3-turbo-q5_0  100 %  574.0 MiB of …  59 min 59 s left`. */
const figuresColumns = 76;

/** One line on a terminal, drawn over itself. */
class FetchBar implements FetchDisplay {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #title: FetchTitle;
  readonly #speed = new Speedometer();
  #bytesDone: number | undefined;
  #drawnAtMs = -Infinity;
  #isClosed = false;

  constructor(screen: Screen, clock: Clock, title: FetchTitle) {
    this.#screen = screen;
    this.#clock = clock;
    this.#title = title;
  }

  progress(bytesDone: number): void {
    this.#bytesDone = bytesDone;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#drawnAtMs < frameMs) return;
    this.#drawnAtMs = nowMs;
    this.#speed.add(nowMs, bytesDone);
    this.#draw();
  }

  say(text: string): void {
    this.#screen.write(`${clearLine}${text}\n`);
    this.#draw();
  }

  close(): void {
    if (this.#isClosed || this.#bytesDone === undefined) return;
    this.#isClosed = true;
    this.#draw();
    this.#screen.write('\n');
  }

  #draw(): void {
    if (this.#bytesDone === undefined) return;
    const { columns } = this.#screen.size();
    const { style } = this.#screen;
    const fraction = this.#bytesDone / this.#title.bytes;
    const bar = columns >= figuresColumns + barColumns ? barColumns : 0;
    const line: Line = [
      span(`${this.#title.name}  `, 'strong'),
      ...progressBar(fraction, bar, style),
      span(figuresText(this.#bytesDone, this.#title, this.#speed.bytesPerSec)),
    ];
    // The last column stays free: terminals differ in what they do after it.
    this.#screen.write(clearLine + renderLine(line, columns - 1, style));
  }
}

/** Lines that a whole file gets, after the first one. */
const linesPerFile = 10;

/** A line per tenth of the file, for files, pipes and logs. */
class FetchLines implements FetchDisplay {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #title: FetchTitle;
  readonly #speed = new Speedometer();
  #partsShown: number | undefined;

  constructor(screen: Screen, clock: Clock, title: FetchTitle) {
    this.#screen = screen;
    this.#clock = clock;
    this.#title = title;
  }

  progress(bytesDone: number): void {
    const parts = Math.floor((bytesDone * linesPerFile) / this.#title.bytes);
    if (parts === this.#partsShown) return;
    this.#partsShown = parts;
    this.#speed.add(this.#clock.monotonicMs(), bytesDone);
    const figures = figuresText(bytesDone, this.#title, this.#speed.bytesPerSec);
    this.#screen.write(`${this.#title.name}${figures}\n`);
  }

  say(text: string): void {
    this.#screen.write(`${text}\n`);
  }

  close(): void {}
}

/** `  43 %  61.0 MiB of 141.1 MiB  5.2 MiB/s  16 s left`; the last two once they are known. */
function figuresText(
  bytesDone: number,
  { bytes }: FetchTitle,
  bytesPerSec: number | undefined,
): string {
  const percent = `${Math.floor((bytesDone / bytes) * 100)} %`.padStart(6);
  const parts = [percent, `${formatBytes(bytesDone)} of ${formatBytes(bytes)}`];
  if (bytesPerSec !== undefined) {
    parts.push(`${formatBytes(Math.round(bytesPerSec))}/s`);
    const leftSec = Math.ceil((bytes - bytesDone) / bytesPerSec);
    if (leftSec > 0) parts.push(`${formatDuration(leftSec * 1000)} left`);
  }
  return parts.join('  ');
}

/** How far back the speed looks: long enough to be calm, short enough to follow the network. */
const speedWindowMs = 10_000;

/** Readings that are kept at most; at one a frame they fill the window. */
const readingsMax = speedWindowMs / frameMs;

/** The speed of the last seconds. */
class Speedometer {
  #readings: readonly { readonly atMs: number; readonly bytes: number }[] = [];

  add(atMs: number, bytes: number): void {
    const last = this.#readings.at(-1);
    // A start from zero makes older readings meaningless.
    const before =
      last !== undefined && bytes < last.bytes ? [] : this.#readings.slice(-readingsMax);
    // One reading is kept however old it is: a slow download has no other.
    const recent = before.filter(
      (reading, index) => reading.atMs >= atMs - speedWindowMs || index === before.length - 1,
    );
    this.#readings = [...recent, { atMs, bytes }];
  }

  /** Undefined until two readings differ. */
  get bytesPerSec(): number | undefined {
    const [first] = this.#readings;
    const last = this.#readings.at(-1);
    if (first === undefined || last === undefined) return undefined;
    if (last.atMs <= first.atMs || last.bytes <= first.bytes) return undefined;
    return ((last.bytes - first.bytes) / (last.atMs - first.atMs)) * 1000;
  }
}
