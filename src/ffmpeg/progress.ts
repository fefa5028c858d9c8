/** What ffmpeg reported so far through `-progress`. */
export interface RunProgress {
  /** Latest time of the output in seconds; 0 until there is one. */
  readonly outTimeSec: number;
  /** Changes whenever the output grew: frames, time and bytes of the latest report as text. */
  readonly mark: string;
}

/** Keys of a report that grow while the output grows. */
const growingKeys = ['frame', 'total_size', 'out_time'];

/**
 * Reads the `key=value` lines of `-progress`: reports of about twelve lines, each ended by a
 * `progress=` line. Unfinished reports do not count.
 */
export class ProgressReader {
  #values = new Map<string, string>();
  #outTimeSec = 0;

  /** Takes one line; returns the progress when the line ended a report. */
  takeLine(line: string): RunProgress | undefined {
    const at = line.indexOf('=');
    if (at < 0) return undefined;
    const key = line.slice(0, at).trim();
    if (key !== 'progress') {
      // A closed set of about twelve keys; anything else would be a line torn apart.
      if (this.#values.size < keysMax) this.#values.set(key, line.slice(at + 1).trim());
      return undefined;
    }
    this.#outTimeSec = readOutTimeSec(this.#values) ?? this.#outTimeSec;
    const mark = growingKeys.map((name) => this.#values.get(name) ?? '').join(' ');
    this.#values = new Map();
    return { outTimeSec: this.#outTimeSec, mark };
  }
}

/** Keys kept of one report; each video output adds a few to the twelve. */
const keysMax = 100;

/** `out_time_ms` holds microseconds too: its name is an old mistake that older builds only know. */
function readOutTimeSec(values: ReadonlyMap<string, string>): number | undefined {
  const microseconds = Number(values.get('out_time_us') ?? values.get('out_time_ms') ?? 'N/A');
  // Before the first packet ffmpeg reports the smallest 64-bit number.
  return Number.isFinite(microseconds) && microseconds >= 0 ? microseconds / 1e6 : undefined;
}
