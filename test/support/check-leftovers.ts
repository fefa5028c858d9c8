import { afterAll, expect } from 'vitest';
import { childProcesses } from './child-processes.ts';

// Registered before the hooks of the test file, so it runs after all of them have cleaned up.
afterAll(() => {
  expect(childProcesses(), 'processes that a test left behind').toEqual([]);
});
