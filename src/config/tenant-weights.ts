import { isTenantName } from '../base/tenant.ts';

/** The largest weight: with a hundredth of another's share a tenant still gets on, with less hardly. */
export const tenantWeightMax = 100;

/** Tenants that may be given a weight; it bounds what every decision of the scheduler looks up. */
const tenantsMax = 1000;

/**
 * `acme=3,other=1` → tenant → weight, 1–100, blanks around the parts ignored; undefined when it is
 * nothing of the kind, or names a tenant twice.
 */
export function parseTenantWeights(text: string): ReadonlyMap<string, number> | undefined {
  const weights = new Map<string, number>();
  for (const part of text.split(',')) {
    const match = /^\s*([^\s=]+)\s*=\s*(\d{1,3})\s*$/.exec(part);
    if (match === null) return undefined;
    const [, tenant = '', digits] = match;
    const weight = Number(digits);
    const isFine = isTenantName(tenant) && weight >= 1 && weight <= tenantWeightMax;
    if (!isFine || weights.has(tenant) || weights.size === tenantsMax) return undefined;
    weights.set(tenant, weight);
  }
  return weights;
}
