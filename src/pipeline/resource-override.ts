import type { Estimate } from '../resources/demand.ts';
import type { ResourceOverride } from './plan.ts';

/**
 * An estimate with what a pipeline says in its place. Where it gives only one end of the cores, the
 * other end gives way.
 */
export function applyOverride(
  estimate: Estimate,
  override: ResourceOverride | undefined,
): Estimate {
  if (override === undefined) return estimate;
  const { demand } = estimate;
  const coresMin = override.coresMin ?? Math.min(demand.coresMin, override.coresMax ?? Infinity);
  const coresMax = override.coresMax ?? Math.max(demand.coresMax, coresMin);
  const memoryBytes = override.memoryBytes ?? demand.memoryBytes;
  return { ...estimate, demand: { ...demand, coresMin, coresMax, memoryBytes } };
}
