/** What a tenant may be called: a label as in names of hosts, with dots and underscores too. */
const tenantPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** {@link isTenantName} in words, to follow "has to be". */
export const tenantNameRule =
  'up to 63 lower-case letters, digits, ".", "_" or "-", the first a letter or digit';

/** Whether a text may be the name of a tenant. */
export function isTenantName(text: string): boolean {
  return tenantPattern.test(text);
}
