import { tagOf, weightOf } from './fair-share.ts';
import type { Shares } from './fair-share.ts';
import type { Candidate } from './start-order.ts';

/** The candidates of a tenant in its own order, and how far it is through them. */
interface Line {
  readonly weight: number;
  readonly candidates: Candidate[];
  /** Their places among all candidates. */
  readonly places: number[];
  /** Which of them is next. */
  next: number;
  /** What the next one's turn depends on, at hand because it is compared so often. */
  priority: number;
  tag: number;
  place: number;
}

/**
 * Lets the tenants take turns: within a priority, the next is always the one with the lowest tag, which
 * grows by what it is given. Each tenant's own order stays, and on a tie the order that was given, in
 * which higher priorities come first. Sorts no further than it is asked: for m tenants a turn takes
 * O(log m), after O(n) for n candidates.
 */
export function takeTurns(candidates: readonly Candidate[], shares: Shares): Iterable<Candidate> {
  const first = candidates[0]?.offer.tenant;
  const isAlone = candidates.every(({ offer }) => offer.tenant === first);
  return isAlone ? candidates : turnsOf(linesOf(candidates, shares));
}

function* turnsOf(lines: Line[]): Generator<Candidate> {
  // A binary heap: the line whose turn it is comes first.
  for (let root = (lines.length >> 1) - 1; root >= 0; root -= 1) siftDown(lines, root);
  for (let line = lines[0]; line !== undefined; line = lines[0]) {
    const candidate = line.candidates[line.next];
    if (candidate !== undefined) yield candidate;
    if (!advance(line)) removeFirst(lines);
    siftDown(lines, 0);
  }
}

/** One line for each tenant. */
function linesOf(candidates: readonly Candidate[], { usage, weights }: Shares): Line[] {
  const lines = new Map<string, Line>();
  let place = 0;
  for (const candidate of candidates) {
    const { tenant } = candidate.offer;
    const line = lines.get(tenant);
    if (line === undefined) {
      lines.set(tenant, {
        weight: weightOf(weights, tenant),
        candidates: [candidate],
        places: [place],
        next: 0,
        priority: candidate.priority,
        tag: tagOf(usage, tenant),
        place,
      });
    } else {
      line.candidates.push(candidate);
      line.places.push(place);
    }
    place += 1;
  }
  return [...lines.values()];
}

/** Charges a line for its turn and goes on to its next; false when that was the last. */
function advance(line: Line): boolean {
  line.tag += (line.candidates[line.next]?.forecast.workSec ?? 0) / line.weight;
  line.next += 1;
  const candidate = line.candidates[line.next];
  const place = line.places[line.next];
  if (candidate === undefined || place === undefined) return false;
  line.priority = candidate.priority;
  line.place = place;
  return true;
}

function isBefore(a: Line, b: Line): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.tag === b.tag ? a.place < b.place : a.tag < b.tag;
}

function removeFirst(heap: Line[]): void {
  const last = heap.pop();
  if (last !== undefined && heap.length > 0) heap[0] = last;
}

/** Moves a line down to where none below it comes before it. */
function siftDown(heap: Line[], from: number): void {
  const moved = heap[from];
  if (moved === undefined) return;
  let at = from;
  for (;;) {
    const left = heap[2 * at + 1];
    if (left === undefined) break;
    const right = heap[2 * at + 2];
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, moved)) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = moved;
}
