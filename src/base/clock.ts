/** The only source of time, passed in so that tests own it. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch; for records, never for measuring. */
  nowMs(): number;
  /** Milliseconds that only ever grow; for measuring and for deadlines. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs` milliseconds; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The largest delay `setTimeout` takes (2^31 − 1 ms, about 24.8 days); longer ones fire at once. */
const timerMsMax = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(Math.max(leftMs, 0), timerMsMax);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : callback()), stepMs);
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
