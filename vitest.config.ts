import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: media tests spawn encoders of their own, so few files run at once.
    maxWorkers: 2,
  },
});
