/** Longest name that is compared; the comparison takes time in the square of it. */
const comparedLengthMax = 64;

/**
 * The name that was probably meant, or undefined when none is near. Near means at most one edit
 * (insertion, removal, change, swap of neighbors) per three characters, at least one, at most three;
 * a single character is near to none but itself. Capital and small letters are the same.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > comparedLengthMax) return undefined;
  const lowered = name.toLowerCase();
  let nearest: string | undefined;
  let distanceMax = name.length < 2 ? 0 : Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > distanceMax) continue;
    const distance = editDistance(lowered, candidate.toLowerCase(), distanceMax);
    if (distance > distanceMax) continue;
    nearest = candidate;
    if (distance === 0) break;
    distanceMax = distance - 1;
  }
  return nearest;
}

/**
 * Optimal string alignment distance: Levenshtein's, and a swap of neighbors counts one. Exact up to
 * `distanceMax`, greater than it else: cells farther from the diagonal than that are not computed.
 */
function editDistance(left: string, right: string, distanceMax: number): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = Array.from({ length: right.length + 1 }, () => Infinity);
    if (row <= distanceMax) current[0] = row;
    const columnMax = Math.min(right.length, row + distanceMax);
    for (let column = Math.max(1, row - distanceMax); column <= columnMax; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwap = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
        isSwap ? at(beforeLast, column - 2) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, right.length);
}

/** Infinity outside of the table: no way leads there. */
function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
