/** Edits (insertion, removal, change) up to which a name counts as a slip of another one. */
const editsMax = 3;

/** The name that was probably meant, or undefined when none is within {@link editsMax} edits. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .filter((candidate) => Math.abs(candidate.length - name.length) <= editsMax)
    .map((candidate) => ({ candidate, edits: countEdits(name, candidate) }))
    .filter(({ edits }) => edits <= editsMax)
    .sort((left, right) => left.edits - right.edits);
  return nearest?.candidate;
}

/** Levenshtein's distance, one row of the table at a time. */
function countEdits(left: string, right: string): number {
  let above = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(
        Math.min(
          (above[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (above[column - 1] ?? 0) + change,
        ),
      );
    }
    above = current;
  }
  return above[right.length] ?? 0;
}
