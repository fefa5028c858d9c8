/** Keeps the last bytes of a text stream and forgets the rest. */
export class TextTail {
  readonly #charactersMax: number;
  #text = '';

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /** Adds text at the end. */
  append(text: string): void {
    this.#text = (this.#text + text).slice(-this.#charactersMax);
  }

  /** What is kept; when something was forgotten, it may start in the middle of a line. */
  get text(): string {
    return this.#text;
  }
}

/** Cuts a text stream into lines; a line longer than the limit is cut, so memory stays bounded. */
export class LineSplitter {
  readonly #charactersMax: number;
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(charactersMax: number, onLine: (line: string) => void) {
    this.#charactersMax = charactersMax;
    this.#onLine = onLine;
  }

  /** Adds text; complete lines are handed on at once, without their line ends. */
  append(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-this.#charactersMax);
    for (const line of lines) this.#onLine(line.slice(0, this.#charactersMax));
  }
}
