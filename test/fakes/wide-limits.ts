import type { ChildLimits } from '../../src/processes/child-limits.ts';

/** Limits that no test program comes near. */
export const wideLimits: ChildLimits = {
  cpuSec: 3600,
  fileBytesMax: 2 ** 30,
  openFilesMax: 256,
};
