import type { Reporter, TestModule } from 'vitest/node';

/** How many tests ended in which way. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The closing line, e.g. `312 passed, 0 failed, 2 skipped`. */
export function summaryLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * Counts the tests of a run. A file that could not be loaded, a suite whose hook failed and an error
 * outside of any test each count as one failure, so that no breakage shows as zero.
 */
export function countTests(modules: readonly TestModule[], errorsOutside: number): TestCounts {
  const counts = { passed: 0, failed: errorsOutside, skipped: 0 };
  for (const module of modules) {
    counts.failed += module.errors().length;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      else if (state === 'failed') counts.failed += 1;
      else counts.skipped += 1;
    }
  }
  return counts;
}

/** Prints the closing line after every other reporter's output: it is the last one in the list. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    process.stdout.write(`\n${summaryLine(countTests(modules, errors.length))}\n`);
  }
}
