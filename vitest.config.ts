import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './test/support/summary-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/check-leftovers.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: media tests spawn encoders of their own, so few files run at once.
    maxWorkers: 2,
    // The closing line comes last: it is what a check of a clean checkout reads.
    reporters: ['default', new SummaryReporter()],
  },
});
