/**
 * Collects the length of each stream from ffprobe's packet lines (`stream,pts,dts,duration` in
 * seconds, `N/A` where unknown): from the first packet's start to the last one's end.
 */
export class PacketSpans {
  readonly #spans = new Map<number, { start: number; end: number }>();

  /** Takes one line of `-of csv=p=0`. */
  takeLine(line: string): void {
    const [index, pts, dts, duration] = line.split(',');
    const stream = Number(index);
    const start = finite(pts) ?? finite(dts);
    if (line === '' || !Number.isInteger(stream) || start === undefined) return;
    const end = start + Math.max(0, finite(duration) ?? 0);
    const span = this.#spans.get(stream);
    if (span === undefined) {
      this.#spans.set(stream, { start, end });
    } else {
      span.start = Math.min(span.start, start);
      span.end = Math.max(span.end, end);
    }
  }

  /** Stream index → length in seconds. */
  durations(): ReadonlyMap<number, number> {
    return new Map([...this.#spans].map(([stream, { start, end }]) => [stream, end - start]));
  }
}

/** What ffprobe is asked for in a scan. */
export const packetEntries = 'packet=stream_index,pts_time,dts_time,duration_time';

function finite(text: string | undefined): number | undefined {
  const value = Number(text === '' ? Number.NaN : text);
  return Number.isFinite(value) ? value : undefined;
}
