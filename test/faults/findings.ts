import type { CheckReport } from './checker.ts';

/** What checks found wrong, each violation once: it stays in every later check of the same directory. */
export class Findings {
  /** Where it was found, and what. */
  readonly list: string[] = [];
  /** Violations that are noted already. */
  readonly seen = new Set<string>();

  /** Notes what is new in a report, and gives it. */
  note(where: string, { violations }: CheckReport): readonly string[] {
    const fresh = violations.filter((violation) => !this.seen.has(violation));
    for (const violation of fresh) this.seen.add(violation);
    this.list.push(...fresh.map((text) => `${where}: ${text}`));
    return fresh;
  }
}
