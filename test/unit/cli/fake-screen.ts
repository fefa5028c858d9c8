import type { Screen, ScreenSize } from '../../../src/cli/screen.ts';

/** A screen that keeps what is written, and whose size a test can change. */
export class FakeScreen implements Screen {
  readonly isTerminal: boolean;
  readonly style = { color: false, unicode: true };
  text = '';
  readonly #callbacks = new Set<() => void>();
  readonly #looks = new Set<() => void>();
  #size: ScreenSize;

  constructor(size?: ScreenSize) {
    this.isTerminal = size !== undefined;
    this.#size = size ?? { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
  }

  size(): ScreenSize {
    return this.#size;
  }

  write(text: string): void {
    this.text += text;
    for (const look of this.#looks) look();
  }

  /** Waits until the text matches. */
  shows(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!pattern.test(this.text)) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  onResize(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  }

  resize(size: ScreenSize): void {
    this.#size = size;
    for (const callback of this.#callbacks) callback();
  }

  /** How many listen for resizes. */
  get listenerCount(): number {
    return this.#callbacks.size;
  }

  /** Gives what was written since the last call. */
  take(): string {
    const taken = this.text;
    this.text = '';
    return taken;
  }
}
