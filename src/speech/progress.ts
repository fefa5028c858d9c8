/** The share of the whole time that is set aside for finding speech. */
export const listeningShare = 0.1;

/** Wraps a progress callback so that it only ever grows, from 0 to 1. */
export function growing(onProgress: (fraction: number) => void): (fraction: number) => void {
  let reached = 0;
  return (fraction) => {
    const next = Math.min(fraction, 1);
    if (next <= reached) return;
    reached = next;
    onProgress(reached);
  };
}

/** The progress of a recognition of which so many of all windows are done. */
export function windowsProgress(done: number, all: number): number {
  return listeningShare + ((1 - listeningShare) * done) / Math.max(1, all);
}
