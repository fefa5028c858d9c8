/** A part of a recording, in milliseconds from its start; never empty. */
export interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
}

/** How long a stretch is, in milliseconds. */
export function lengthOf({ startMs, endMs }: Stretch): number {
  return endMs - startMs;
}

/** How much two stretches have in common, in milliseconds. */
export function overlapOf(one: Stretch, other: Stretch): number {
  return Math.max(0, Math.min(one.endMs, other.endMs) - Math.max(one.startMs, other.startMs));
}

/** Frames of equal length, voiced (not 0) or not → the voiced stretches in order of time. */
export function toStretches(frames: Uint8Array, frameMs: number): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let startMs: number | undefined;
  for (const [index, isVoiced] of frames.entries()) {
    if (isVoiced !== 0) startMs ??= index * frameMs;
    else if (startMs !== undefined) {
      stretches.push({ startMs, endMs: index * frameMs });
      startMs = undefined;
    }
  }
  if (startMs !== undefined) stretches.push({ startMs, endMs: frames.length * frameMs });
  return stretches;
}

/** Stretches in any order → in order, with those that overlap or stand closer than a pause made one. */
export function joinStretches(
  stretches: readonly Stretch[],
  pauseMsMin: number,
): readonly Stretch[] {
  const joined: Stretch[] = [];
  for (const stretch of stretches.toSorted((one, other) => one.startMs - other.startMs)) {
    const last = joined.at(-1);
    if (last === undefined || stretch.startMs - last.endMs >= pauseMsMin) {
      joined.push(stretch);
    } else {
      const endMs = Math.max(last.endMs, stretch.endMs);
      joined[joined.length - 1] = { startMs: last.startMs, endMs };
    }
  }
  return joined;
}
